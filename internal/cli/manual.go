// SPDX-License-Identifier: GPL-2.0-or-later

package cli

import _ "embed"

// manual is what -H shows.
//
//go:embed manual.md
var manual string
