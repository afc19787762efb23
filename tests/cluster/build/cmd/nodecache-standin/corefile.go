package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	defaultKubeDNSFolder = "/etc/kube-dns"
	resolvConf           = "/etc/resolv.conf"
	pollInterval         = 10 * time.Second
)

// corefileTemplate keeps the Corefile equal to its template with the variables
// filled in.
type corefileTemplate struct {
	config        *config
	kubeDNSFolder string
	lastSeen      string
}

// kubeDNSConfig is what the ConfigMap kube-dns may say.
type kubeDNSConfig struct {
	stubDomains map[string][]string
	upstreams   []string
}

func newCorefileTemplate(config *config) *corefileTemplate {
	folder := config.kubeDNSFolder
	if folder == "" {
		if _, err := os.Stat(defaultKubeDNSFolder); err == nil {
			folder = defaultKubeDNSFolder
		}
	}
	return &corefileTemplate{config: config, kubeDNSFolder: folder}
}

// watch looks at template and ConfigMap again and again, and writes the Corefile
// when either has changed. CoreDNS's reload plugin finds the new one.
func (t *corefileTemplate) watch() {
	for range time.Tick(pollInterval) {
		if t.fingerprint() == t.lastSeen {
			continue
		}
		t.update()
		if t.config.reloadBySignal {
			if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
				log.Printf("[ERROR] cannot signal a reload: %v", err)
			}
		}
	}
}

// update writes the Corefile.
func (t *corefileTemplate) update() {
	t.lastSeen = t.fingerprint()
	base, err := os.ReadFile(t.config.baseCorefile)
	if err != nil {
		log.Printf("[ERROR] cannot read the template: %v", err)
		countSetupError("configmap")
		return
	}
	kubeDNS, err := readKubeDNSConfig(t.kubeDNSFolder)
	if err != nil {
		log.Printf("[ERROR] ConfigMap kube-dns: %v", err)
		countSetupError("configmap")
	}
	text := fill(string(base), t.config, kubeDNS)
	if err := os.WriteFile(t.config.corefile, []byte(text), 0o644); err != nil {
		log.Printf("[ERROR] cannot write the Corefile: %v", err)
		countSetupError("configmap")
		return
	}
	log.Printf("[INFO] Using Corefile %s", t.config.corefile)
}

// fingerprint returns the contents that the Corefile is made from.
func (t *corefileTemplate) fingerprint() string {
	var all strings.Builder
	paths := []string{t.config.baseCorefile}
	if t.kubeDNSFolder != "" {
		paths = append(paths, filepath.Join(t.kubeDNSFolder, "stubDomains"))
		paths = append(paths, filepath.Join(t.kubeDNSFolder, "upstreamNameservers"))
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s %v %s\n", path, err == nil, content)
	}
	return all.String()
}

// fill returns the template with its variables replaced and stub domains added.
func fill(base string, config *config, kubeDNS kubeDNSConfig) string {
	var ips []string
	for _, ip := range config.localIPs {
		ips = append(ips, ip.String())
	}
	local := strings.Join(ips, " ")
	upstreams := resolvConf
	if len(kubeDNS.upstreams) > 0 {
		upstreams = strings.Join(kubeDNS.upstreams, " ")
	}
	text := strings.NewReplacer(
		"__PILLAR__LOCAL__DNS__", local,
		"__PILLAR__DNS__SERVER__", "",
		"__PILLAR__CLUSTER__DNS__", serviceIP(config.upstreamService),
		"__PILLAR__UPSTREAM__SERVERS__", upstreams,
	).Replace(base)
	return text + stubBlocks(kubeDNS.stubDomains, local)
}

// serviceIP returns the address of a service from this pod's environment. When the
// service came after the pod it is "<nil>", which CoreDNS refuses to parse.
func serviceIP(service string) string {
	name := strings.ToUpper(strings.ReplaceAll(service, "-", "_")) + "_SERVICE_HOST"
	return net.ParseIP(os.Getenv(name)).String()
}

// stubBlocks returns a server block for each stub domain.
func stubBlocks(domains map[string][]string, local string) string {
	var names []string
	for name := range domains {
		names = append(names, name)
	}
	slices.Sort(names)
	var blocks strings.Builder
	for _, name := range names {
		fmt.Fprintf(&blocks, "%s:53 {\n    errors\n    cache 30\n    bind %s\n    forward . %s\n}\n",
			name, local, strings.Join(domains[name], " "))
	}
	return blocks.String()
}

// readKubeDNSConfig reads the mounted ConfigMap kube-dns. Keys that are not there
// are no error.
func readKubeDNSConfig(folder string) (kubeDNSConfig, error) {
	var found kubeDNSConfig
	if folder == "" {
		return found, nil
	}
	if err := readJSON(filepath.Join(folder, "stubDomains"), &found.stubDomains); err != nil {
		return kubeDNSConfig{}, err
	}
	if err := readJSON(filepath.Join(folder, "upstreamNameservers"), &found.upstreams); err != nil {
		return kubeDNSConfig{}, err
	}
	return found, nil
}

func readJSON(path string, into any) error {
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) || (err == nil && strings.TrimSpace(string(content)) == "") {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
