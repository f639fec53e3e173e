// SPDX-License-Identifier: GPL-2.0-or-later

package zephyr

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// Domain is one of the builds of a sysbuild.
type Domain struct {
	Name string `yaml:"name"`
	Dir  string `yaml:"build_dir"`
}

// maxDomains bounds how many builds there may be.
const maxDomains = 1000

// ParseDomains reads domains.yaml.
func ParseDomains(text []byte) ([]Domain, error) {
	var file struct {
		Domains []Domain `yaml:"domains"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	switch n := len(file.Domains); {
	case n == 0:
		return nil, fmt.Errorf("there are no domains")
	case n > maxDomains:
		return nil, fmt.Errorf("there are %d domains, more than %d", n, maxDomains)
	}
	for _, d := range file.Domains {
		if d.Name == "" || d.Name == "." || d.Name == ".." || strings.ContainsAny(d.Name, `/\`) {
			return nil, fmt.Errorf("'%s' is no name of a domain", d.Name)
		}
	}
	return file.Domains, nil
}
