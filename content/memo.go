// SPDX-License-Identifier: GPL-2.0-or-later

package content

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// Memo remembers what has been made of the same inputs, so that it is made
// once: compressed data, the output of a program, a signature. The zero value
// is empty. Several goroutines may use it.
type Memo struct {
	mu   sync.Mutex
	made map[Key]*result
}

// Key stands for inputs and options. Equal keys are taken for equal inputs.
type Key [sha256.Size]byte

type result struct {
	once  sync.Once
	value any
	err   error
}

// KeyOf returns the key of what is made in the way kind of the data, with
// the options. It reads the data, so an error is one of reading.
func KeyOf(kind string, options []string, data ...Data) (Key, error) {
	h := sha256.New()
	number := func(n int64) { h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n))) }
	text := func(s string) {
		number(int64(len(s)))
		h.Write([]byte(s))
	}
	text(kind)
	number(int64(len(options)))
	for _, o := range options {
		text(o)
	}
	for _, d := range data {
		number(d.Len())
		if err := d.Hash(h); err != nil {
			return Key{}, err
		}
	}
	return Key(h.Sum(nil)), nil
}

// Remember returns what make has made for the key, calling it only if that has
// not been done. Results are shared, so nobody may change them. An error is
// not remembered.
func Remember[T any](m *Memo, key Key, make func() (T, error)) (T, error) {
	r := m.result(key)
	r.once.Do(func() { r.value, r.err = make() })
	if r.err != nil {
		m.forget(key, r)
		var none T
		return none, r.err
	}
	return r.value.(T), nil
}

func (m *Memo) result(key Key) *result {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made == nil {
		m.made = map[Key]*result{}
	}
	if m.made[key] == nil {
		m.made[key] = &result{}
	}
	return m.made[key]
}

func (m *Memo) forget(key Key, r *result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made[key] == r {
		delete(m.made, key)
	}
}

// Renew returns what make makes of what was made last for the key, or of the
// zero value: for results whose inputs are cheaper to compare than to hash.
func Renew[T any](m *Memo, key Key, make func(last T) (T, error)) (T, error) {
	r := m.result(key)
	m.mu.Lock()
	last, _ := r.value.(T)
	m.mu.Unlock()
	made, err := make(last)
	if err != nil {
		return made, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r.value = made
	return made, nil
}
