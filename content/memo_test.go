// SPDX-License-Identifier: GPL-2.0-or-later

package content_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"binman/content"
)

func TestMemo(t *testing.T) {
	var memo content.Memo
	key := func(kind string, options []string, data ...content.Data) content.Key {
		t.Helper()
		k, err := content.KeyOf(kind, options, data...)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	var calls atomic.Int32
	get := func(k content.Key) int32 {
		v, err := content.Remember(&memo, k, func() (int32, error) { return calls.Add(1), nil })
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	ab := content.Join(content.String("a"), content.String("b"))
	first := get(key("lz4", nil, ab))
	if got := get(key("lz4", nil, content.String("ab"))); got != first {
		t.Errorf("the same bytes in other pieces were made again")
	}
	// What is cut in another way is something else.
	for name, other := range map[string]content.Key{
		"kind":           key("xz", nil, ab),
		"option":         key("lz4", []string{"-9"}, ab),
		"two options":    key("lz4", []string{"-", "9"}, ab),
		"two data":       key("lz4", nil, content.String("a"), content.String("b")),
		"option as data": key("lz4", []string{"ab"}),
	} {
		if get(other) == first {
			t.Errorf("%s: taken for the same", name)
		}
	}
}

// TestMemoOnce has many ask at once: only one makes, and all get that.
func TestMemoOnce(t *testing.T) {
	var memo content.Memo
	var calls atomic.Int32
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			v, err := content.Remember(&memo, content.Key{1}, func() (string, error) {
				calls.Add(1)
				return "made", nil
			})
			if v != "made" || err != nil {
				t.Errorf("got %q, %v", v, err)
			}
		})
	}
	wg.Wait()
	if calls.Load() != 1 {
		t.Errorf("made %d times", calls.Load())
	}
}

func TestMemoError(t *testing.T) {
	var memo content.Memo
	fail := errors.New("no luck")
	if _, err := content.Remember(&memo, content.Key{}, func() (int, error) { return 0, fail }); !errors.Is(err, fail) {
		t.Fatalf("error %v", err)
	}
	v, err := content.Remember(&memo, content.Key{}, func() (int, error) { return 7, nil })
	if v != 7 || err != nil {
		t.Errorf("after an error: %d, %v", v, err)
	}
}
