"""What a Prometheus needs to watch the caches: scrape objects, alert rules, a dashboard. Pure.

Every name of a metric comes from `series`, for the version of CoreDNS that is installed: rules with
names of another version alert on nothing, and say nothing about it.
"""
