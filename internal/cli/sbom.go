// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"path/filepath"
	"time"

	"binman/content"
	"binman/internal/atomicfile"
	"binman/internal/host"
	"binman/layout"
	"binman/plugin"
	"binman/report"
)

// writeSBOM writes the bill of materials of the images, and the statement with it.
func (o *buildOptions) writeSBOM(b *layout.Build, plugins []*plugin.Plugin, out string) error {
	if o.sbom == "" && o.inToto == "" || o.dryRun || o.trial {
		return nil
	}
	env := host.Env()
	stamp, err := env.Stamp(env.Time())
	if err != nil {
		return err
	}
	input := host.Input(o.inDirs...)
	s, err := report.SBOMOf(b.Images, report.Maker{
		Program: "binman", Version: version(), Time: time.Unix(int64(stamp), 0), Plugins: plugins,
		Open: func(name string) (string, content.Data, error) {
			if data, ok := b.Made(name); ok {
				return filepath.Join(out, name), data, nil
			}
			path, err := input.Find(name)
			if err != nil {
				return "", content.Data{}, err
			}
			data, err := input.Open(name)
			return path, data, err
		},
	})
	if err != nil {
		return err
	}
	if err := writeJSON(o.sbom, s); err != nil {
		return err
	}
	return writeJSON(o.inToto, s.Statement())
}

// writeJSON writes a value to a file, unless its name is "".
func writeJSON(name string, v any) error {
	if name == "" {
		return nil
	}
	text, err := jsonText(v)
	if err != nil {
		return err
	}
	return atomicfile.WriteNoSync(name, content.Bytes(text))
}
