// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"binman/content/iodir"
	"binman/etype"
	"binman/internal/argparse"
	"binman/internal/host"
	"binman/layout"
	"binman/plugin"
)

// pluginOption is the option of commands that know entry types. Plug-ins come from
// nowhere else: not from a description, an image, the environment or a directory.
func (g *globals) pluginOption() argparse.Option {
	return argparse.Option{Names: []string{"--plugin"}, Extension: true, Meta: "FILE", Value: argparse.Strings(&g.plugins),
		Help: "Use the entry types that FILE declares, which a program makes"}
}

// types returns the entry types, with those of plug-ins, which cannot run.
func (g *globals) types() (layout.Types, error) {
	types, _, err := g.typesFrom(host.Files{})
	return types, err
}

// typesToRun returns the entry types with those of plug-ins, which can run. Their files
// are noted.
func (o *buildOptions) typesToRun(used *used) (layout.Types, []*plugin.Plugin, error) {
	system := used.System(host.Files{})
	types, plugins, err := o.typesFrom(system)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range plugins {
		if err := p.Open(system, host.RunPlugin); err != nil {
			return nil, nil, err
		}
	}
	return types, plugins, nil
}

func (g *globals) typesFrom(system iodir.System) (layout.Types, []*plugin.Plugin, error) {
	var plugins []*plugin.Plugin
	for _, file := range g.plugins {
		p, err := plugin.Load(file, system)
		if err != nil {
			return nil, nil, err
		}
		plugins = append(plugins, p)
	}
	types := etype.Table()
	return types, plugins, etype.AddPlugins(types, plugins)
}
