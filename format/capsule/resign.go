// SPDX-License-Identifier: GPL-2.0-or-later

package capsule

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"binman/content"
)

// Resign returns the capsule of old with other firmware, signed by s unless that is nil.
// Everything else is as it was, or there is an error.
func Resign(old, firmware content.Data, s *Signer) (content.Data, error) {
	c, err := Parse(old, old.Len())
	if err != nil {
		return content.Data{}, err
	}
	if len(c.Items) != 1 {
		return content.Data{}, fmt.Errorf("a capsule with %d items cannot be made again", len(c.Items))
	}
	item := &c.Items[0]
	was := old.Slice(item.Offset, item.Size)
	same, err := c.Make(was, nil)
	if err == nil {
		var equal bool
		if equal, err = content.Equal(same, old.Slice(0, min(same.Len(), old.Len()))); err == nil && !equal {
			err = errors.New("the capsule has parts that would be lost if it were made again")
		}
	}
	if err != nil {
		return content.Data{}, err
	}
	made, err := c.Make(firmware, s)
	if err != nil {
		return content.Data{}, err
	}
	if rest := old.Len() - same.Len(); rest > 0 {
		made = content.Join(made, old.Slice(same.Len(), rest))
	}
	return made, nil
}

// Time returns when the signature was made, as it says; false if it does not.
func (s *Signature) Time() (time.Time, bool) {
	for rest := s.info.Attributes.Bytes; len(rest) > 0; {
		var a attribute
		var err error
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return time.Time{}, false
		}
		var at time.Time
		if a.OID.Equal(oidSigningTime) {
			_, err := asn1.Unmarshal(a.Values.Bytes, &at)
			return at, err == nil
		}
	}
	return time.Time{}, false
}
