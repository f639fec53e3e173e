// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"binman/content"
	"binman/internal/argparse"
	"binman/report"
)

// mapOptions holds the options of the map command.
type mapOptions struct {
	*globals
	image    string
	manifest string
	output   string
	format   string
	width    int
	height   int
	ascii    bool
	color    string
	paths    []string
}

func (g *globals) mapCommand() command {
	o := &mapOptions{globals: g}
	return command{
		Command: argparse.Command{
			Name: "map",
			Help: "Draw the layout of an image or a build to scale",
			Description: "Draws the layout of an image, or of all images of a build from its manifest: " +
				"on the terminal, as an SVG picture, or as a page for a browser that needs nothing else.",
			Options: []argparse.Option{
				{Names: []string{"-i", "--image"}, Value: argparse.String(&o.image, ""), Help: "Image filename to draw"},
				{Names: []string{"--manifest"}, Meta: "FILE", Value: argparse.String(&o.manifest, ""), Help: "Manifest to draw, as 'binman build --manifest' writes it (- for standard input)"},
				{Names: []string{"-o", "--output"}, Meta: "FILE", Value: argparse.String(&o.output, ""), Help: "File to write (default: standard output)"},
				{Names: []string{"--format"}, Value: argparse.String(&o.format, ""), Choices: []string{"text", "svg", "html"}, Help: "Format of the drawing: text, svg or html (default: by the extension of the output file; text without one)"},
				{Names: []string{"--width"}, Meta: "N", Value: argparse.Int(&o.width, 0), Help: "Width in columns of text (default: that of the terminal) or in pixels"},
				{Names: []string{"--height"}, Meta: "N", Value: argparse.Int(&o.height, 0), Help: "Height to aim at, in rows of text or in pixels"},
				{Names: []string{"--ascii"}, Value: argparse.Flag(&o.ascii), Help: "Use only ASCII characters in text (default: unless the locale is UTF-8)"},
				{Names: []string{"--color"}, Meta: "WHEN", Value: argparse.String(&o.color, "auto"), Choices: []string{"auto", "always", "never"}, Help: "Use colours in text: auto, always or never (default: auto, on a terminal)"},
				g.unpackOption(),
				g.pluginOption(),
			},
			Args: []argparse.Arg{{Name: "paths", Nargs: "*", Value: argparse.Strings(&o.paths), Help: "Paths of entries to draw, each to its own scale (wildcard)", Complete: g.entryPaths(&o.image)}},
		},
		run: o.run,
	}
}

// maxDrawings bounds how many drawings one picture has.
const maxDrawings = 100

func (o *mapOptions) run() error {
	format, err := o.outputFormat()
	if err != nil {
		return err
	}
	list, err := o.drawings()
	if err != nil {
		return err
	}
	if list, err = report.Select(list, o.paths); err != nil {
		return err
	}
	if len(list) > maxDrawings {
		return fmt.Errorf("%d entries match, more than the %d that one drawing can show", len(list), maxDrawings)
	}
	var buf bytes.Buffer
	switch format {
	case "svg":
		err = report.SVG(&buf, list, report.SVGOptions{Width: o.width, Height: o.height})
	case "html":
		err = report.HTML(&buf, list)
	default:
		err = report.Text(&buf, list, o.textOptions())
	}
	if err != nil {
		return err
	}
	if o.output == "" || o.output == "-" {
		_, err := o.stdout.Write(buf.Bytes())
		return err
	}
	return o.save(result{path: o.output, what: "the drawing", data: content.Bytes(buf.Bytes())})
}

// extensions of file names say the format of the drawing; none stands for text.
var extensions = map[string]string{"": "text", ".txt": "text", ".svg": "svg", ".html": "html", ".htm": "html"}

// outputFormat returns the format that was asked for, by name or by the
// extension of the output file.
func (o *mapOptions) outputFormat() (string, error) {
	if (o.image == "") == (o.manifest == "") {
		return "", wrongUsage("Must provide either an image (-i) or a manifest (--manifest) to draw")
	}
	if o.format != "" {
		return o.format, nil
	}
	ext := filepath.Ext(o.output)
	format, ok := extensions[strings.ToLower(ext)]
	if !ok {
		return "", wrongUsage(fmt.Sprintf("argument -o/--output: no format has the extension '%s' (choose from '.txt', '.svg', '.html', or name one with --format)", ext))
	}
	return format, nil
}

// drawings draws the image or the images of the manifest. An image without an
// FDT map is drawn as far as the formats in it are known, as ls lists it.
func (o *mapOptions) drawings() ([]*report.Drawing, error) {
	if o.image != "" {
		o.used.Note(o.image, nil)
		img, err := o.open(o.image)
		if err == nil {
			return []*report.Drawing{report.FromOpened(img)}, nil
		}
		f, err := o.openForeign(o.image, err)
		if err != nil {
			return nil, err
		}
		return []*report.Drawing{report.FromFormats(o.image, f.root, f.data)}, nil
	}
	text, err := readManifest(o.manifest)
	if err != nil {
		return nil, err
	}
	o.used.Note(o.manifest, nil)
	list, err := report.FromManifest(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.manifest, err)
	}
	return list, nil
}

// maxManifest bounds the size of a manifest, in bytes.
const maxManifest = 256 << 20

func readManifest(name string) ([]byte, error) {
	if name == "-" {
		text, err := io.ReadAll(io.LimitReader(os.Stdin, maxManifest+1))
		if err == nil && len(text) > maxManifest {
			err = fmt.Errorf("the manifest has more than %d bytes", maxManifest)
		}
		return text, err
	}
	data, err := content.Open(name)
	if err != nil {
		return nil, err
	}
	if data.Len() > maxManifest {
		return nil, fmt.Errorf("%s has more than %d bytes: it is no manifest", name, maxManifest)
	}
	return data.Bytes()
}

func (o *mapOptions) textOptions() report.TextOptions {
	columns, tty := 0, false
	if f, ok := o.stdout.w.(*os.File); ok && (o.output == "" || o.output == "-") {
		columns, tty = terminal(f)
	}
	t := report.TextOptions{Width: o.width, Height: o.height, ASCII: o.ascii || !utf8Locale()}
	t.Color = o.color == "always" || o.color == "auto" && tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if t.Width <= 0 {
		t.Width = columns
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); t.Width <= 0 && err == nil {
		t.Width = n
	}
	if t.Width <= 0 {
		t.Width = 80
	}
	t.Width = min(t.Width, 500)
	t.Height = max(0, min(t.Height, 10000))
	return t
}

// utf8Locale says whether text is to be UTF-8, as POSIX defines the variables
// for it: the first that is not empty counts.
func utf8Locale() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(os.Getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}
