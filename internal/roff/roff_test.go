// SPDX-License-Identifier: GPL-2.0-or-later

package roff_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"binman/internal/judge"
	"binman/internal/roff"
)

const text = "Text with `code` and a [link](https://example.org), -x, 'quotes' and a\\b.\n.This is no request.\n" + `
Before an example::

    first {
        a = "b";

        .c;
    };

A heading
~~~~~~~~~

a-term
    What it is,
    in two lines.

* one
  that goes on
* two

| a | table |
| - | ----- |

## Next section

` + "```sh\nrun --it\n\n  indented\n```\n"

const page = `.TH "NAME\-OF" 7 2023-11-14 "it 1.0"
.SH "NAME"
name\-of \- what it is
.SH "DESCRIPTION"
Text with \fBcode\fR and a link, \-x, \(aqquotes\(aq and a\eb.
\&.This is no request.
.PP
Before an example:
.PP
.RS 4
.EX
first {
    a = "b";

    .c;
};
.EE
.RE
.SS "A heading"
.TP
\fBa\-term\fR
What it is,
in two lines.
.IP \(bu 2
one
that goes on
.IP \(bu 2
two
.PP
.RS 4
.EX
| a | table |
| \- | \-\-\-\-\- |
.EE
.RE
.SH "NEXT SECTION"
.RS 4
.EX
run \-\-it

  indented
.EE
.RE
.SH "SEE ALSO"
\fBa\fR(1),
\fBb\fR(1)
`

func makePage() []byte {
	p := roff.New("name-of", "7", time.Unix(1700000000, 0), "it 1.0")
	p.Name("name-of", "what it is")
	p.Section("DESCRIPTION")
	p.Text(text)
	p.SeeAlso([]string{roff.Bold("a") + "(1)", roff.Bold("b") + "(1)"})
	return p.Bytes()
}

func TestPage(t *testing.T) {
	if diff := cmp.Diff(page, string(makePage())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestGroff has groff set the page, which must show what was written.
func TestGroff(t *testing.T) {
	cmd := exec.Command(judge.Need(t, "groff"), "-man", "-ww", "-Tutf8", "-P-cbou", "-rHY=0")
	cmd.Stdin = strings.NewReader(string(makePage()))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	shown := strings.Join(strings.Fields(string(out)), " ")
	for _, want := range []string{
		`Text with code and a link, -x, 'quotes' and a\b. .This is no request.`,
		`Before an example: first { a = "b"; .c; }; A heading`,
		`a-term What it is, in two lines.`,
		`run --it indented`,
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
