// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !unix

package content

const openFlags = 0
