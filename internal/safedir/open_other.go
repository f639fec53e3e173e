// SPDX-License-Identifier: GPL-2.0-or-later

//go:build !unix

package safedir

const openFlags = 0
