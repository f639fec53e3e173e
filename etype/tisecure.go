// SPDX-License-Identifier: GPL-2.0-or-later

package etype

import (
	"cmp"
	"crypto"
	"strings"

	"binman/content"
	"binman/describe"
	"binman/fdt"
	"binman/format/ticert"
	"binman/layout"
)

// TISecure is a certificate for what the system firmware of a TI K3 device
// loads.
type TISecure struct {
	certificate
	Revision layout.OptInt `dt:"sw-rev" doc:"Revision of the software, for rollback protection; 1 if absent"`
	Auth     uint32        `dt:"auth-in-place" doc:"Low byte: 0x02, the image stays where it is; high byte: the host that owns the firewalls. Without it, or with 0, there are no firewalls"`
	SHA      layout.OptInt `dt:"sha" doc:"Has no effect: the hash is always SHA-512"`
	Debug    bool          `dt:"debug" doc:"Has no effect"`

	firewalls []ticert.Firewall
}

var tiSecureInfo = layout.TypeInfo{
	Name:       "ti-secure",
	New:        func() layout.Type { return &TISecure{} },
	Remade:     true,
	ChildProps: []string{"id", "region", "control", "permissions", "start_address", "end_address"},
}

var (
	_ layout.Reader   = (*TISecure)(nil)
	_ layout.Checker  = (*TISecure)(nil)
	_ layout.Leaf     = (*TISecure)(nil)
	_ layout.Depender = (*TISecure)(nil)
	_ layout.Updater  = (*TISecure)(nil)
)

// Read checks the properties, and that there is a key.
func (t *TISecure) Read(ctx *layout.Context, e *layout.Entry) error {
	if err := t.read(ctx, e); err != nil {
		return err
	}
	if t.Auth == 0 {
		return nil
	}
	for _, node := range e.Node.Subnodes {
		if !isFirewall(node) {
			continue
		}
		f, err := readFirewall(e, node)
		if err != nil {
			return err
		}
		t.firewalls = append(t.firewalls, f)
	}
	return nil
}

func isFirewall(node *fdt.Node) bool { return strings.Contains(node.Name, "firewall") }

// Check warns of subnodes that protect nothing.
func (t *TISecure) Check(ctx *layout.Context, e *layout.Entry, report func(layout.Level, error)) {
	for _, node := range e.Node.Subnodes {
		switch {
		case layout.IsSpecialNode(node):
		case !isFirewall(node):
			report(layout.Warning, describe.At(e.Errorf("Subnode '%s' has no effect: its name does not have 'firewall' in it", node.Name), node, ""))
		case t.Auth == 0:
			report(layout.Warning, describe.At(e.Errorf("Subnode '%s' has no effect without auth-in-place", node.Name), node, ""))
		}
	}
}

// readFirewall reads the firewall that a node describes, in which nothing may
// lack.
func readFirewall(e *layout.Entry, node *fdt.Node) (ticert.Firewall, error) {
	var r firewallReader
	f := ticert.Firewall{
		ID:          value(&r, node, "id", (*fdt.Prop).U32),
		Region:      value(&r, node, "region", (*fdt.Prop).U32),
		Control:     value(&r, node, "control", (*fdt.Prop).U32),
		Permissions: value(&r, node, "permissions", (*fdt.Prop).U32s),
		Start:       value(&r, node, "start_address", (*fdt.Prop).U64),
		End:         value(&r, node, "end_address", (*fdt.Prop).U64),
	}
	if len(r.missing) > 0 {
		return f, describe.At(e.Errorf("Subnode '%s' is missing properties: %s", node.Name, strings.Join(r.missing, ",")), node, "")
	}
	if r.err != nil {
		return f, e.Errorf("Subnode '%s': %w", node.Name, r.err)
	}
	return f, nil
}

// firewallReader notes what is wrong with the properties of a firewall.
type firewallReader struct {
	missing []string
	err     error
}

func value[T any](r *firewallReader, node *fdt.Node, name string, read func(*fdt.Prop) (T, error)) T {
	var none T
	prop := node.Prop(name)
	if prop == nil {
		r.missing = append(r.missing, name)
		return none
	}
	v, err := read(prop)
	if err != nil {
		r.err = cmp.Or(r.err, describe.At(err, node, name))
	}
	return v
}

// Contents makes the certificate of what is known so far.
func (t *TISecure) Contents(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return t.Update(ctx, e)
}

// Update makes the certificate of the entries as they are now.
func (t *TISecure) Update(ctx *layout.Context, e *layout.Entry) (content.Data, error) {
	return t.make(ctx, e, func() (*ticert.Cert, error) {
		image, err := t.digest(ctx, e, "content", t.Content, crypto.SHA512)
		if err != nil {
			return nil, err
		}
		load := &ticert.Load{Auth: ticert.InPlace, Firewalls: t.firewalls}
		if t.Auth != 0 {
			load.Auth = t.Auth
		}
		return &ticert.Cert{Revision: uint32(t.Revision.Or(1)), System: &image, Load: load}, nil
	})
}
