// SPDX-License-Identifier: GPL-2.0-or-later

package argparse

// demo is a program with everything that argparse does for binman.
var demo = spec{
	Prog:        "packer",
	Description: "Puts things into boxes and boxes into shelves, in an order that nobody has to think about.",
	Epilog:      "See the well-known-and-often-quoted manual\nfor more.",
	Options: []specOption{
		{Names: []string{"-B", "--box-dir"}, Kind: "string", Default: "b", Help: "Directory of the boxes"},
		{Names: []string{"-D", "--debug"}, Kind: "flag", Help: "Show where an error was found; this explanation needs more than one line"},
		{Names: []string{"--tooldir"}, Kind: "string", Default: "tools", Help: "Where tools are kept"},
		{Names: []string{"--toolpath"}, Kind: "strings", Help: "Add to the list of directories that hold tools"},
		{Names: []string{"-T", "--threads"}, Kind: "int", Help: "Number of threads (0=one after the other)"},
		{Names: []string{"-v", "--verbosity"}, Kind: "int", Default: 1.0, Help: "How much to say, 100% being 5"},
		{Names: []string{"-V", "--version"}, Kind: "version"},
	},
	Commands: []specCommand{
		{Name: "build", Help: "Fill the boxes", Options: []specOption{
			{Names: []string{"-a", "--entry-arg"}, Kind: "strings", Help: "Set name=value"},
			{Names: []string{"-b", "--board"}, Kind: "string", Help: "Board to build for"},
			{Names: []string{"--fake-tree"}, Kind: "flag", Help: "Pretend to have a tree"},
			{Names: []string{"--fake-things"}, Kind: "flag", Help: "Pretend to have the things; they become 'place-holders' in the end"},
			{Names: []string{"--force-a-very-long-name-of-an-option"}, Kind: "string", Help: "Its help starts on the next line"},
			{Names: []string{"-i", "--image"}, Kind: "strings", Help: "Image to build (all of them if not given)"},
			{Names: []string{"-I", "--indir"}, Kind: "strings", Help: "Add an input directory"},
			{Names: []string{"-m", "--map"}, Kind: "flag", Help: "Write a map"},
			{Names: []string{"-M", "--allow-missing"}, Kind: "flag", Help: "Go on without"},
			{Names: []string{"-O", "--outdir"}, Kind: "string", Help: "Output directory"},
			{Names: []string{"-p", "--preserve"}, Kind: "flag"},
			{Names: []string{"-l", "--level"}, Kind: "string", Choices: []string{"fast", "small"}, Help: "What matters"},
		}},
		{Name: "entry-docs", Help: "Print the documentation"},
		{Name: "ls", Help: "List a box", Options: []specOption{
			{Names: []string{"-i", "--image"}, Kind: "string", Required: true, Help: "Image to list"},
			{Names: []string{"-U", "--uncompressed"}, Kind: "flag"},
			{Names: []string{"-T", "--threads"}, Kind: "int", Default: 2.0, Help: "Same variable as the global option"},
		}, Args: []specArg{{Name: "paths", Nargs: "*", Help: "Paths to list"}}},
		{Name: "sign", Help: "Sign a box", Options: []specOption{
			{Names: []string{"-a", "--algo"}, Kind: "string", Required: true, Help: "Algorithm"},
			{Names: []string{"-i", "--image"}, Kind: "string", Required: true, Help: "Image to sign"},
			{Names: []string{"-f", "--file"}, Kind: "string"},
		}, Args: []specArg{{Name: "key", Help: "Key file"}, {Name: "paths", Nargs: "*"}}},
		{Name: "copy", Help: "Copy a box", Options: []specOption{
			{Names: []string{"-m", "--map"}, Kind: "flag", Help: "Copy the map as well"},
		}, Args: []specArg{{Name: "from", Nargs: "+", Help: "Boxes"}, {Name: "to", Help: "Shelf"}}},
		{Name: "sort", Help: "Sort the shelf", Args: []specArg{{Name: "order", Nargs: "?", Help: "Which way", Choices: []string{"up", "down"}}}},
	},
}
