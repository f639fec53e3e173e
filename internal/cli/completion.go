// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import "binman/internal/argparse"

// completionCommand prints a script that completes the program's options in a
// shell.
func (g *globals) completionCommand() command {
	var shell string
	return command{
		Command: argparse.Command{
			Name: "completion",
			Help: "Write a shell completion script",
			Args: []argparse.Arg{{Name: "shell", Value: argparse.String(&shell, ""), Choices: argparse.Shells()}},
		},
		run: func() error { return g.parser(g.commands()).Completion(shell, g.stdout) },
	}
}
