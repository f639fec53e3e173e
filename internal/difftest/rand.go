// SPDX-License-Identifier: GPL-2.0-or-later

package difftest

import "math/rand/v2"

// random draws numbers that depend on the seed alone. It uses only the PCG
// generator of math/rand/v2, whose output is specified, since recorded
// digests depend on every number.
type random struct{ src *rand.PCG }

func newRandom(seed uint64) random { return random{rand.NewPCG(seed, 0x62696e6d616e)} }

// n returns a number from 0 up to but not including limit.
func (r random) n(limit int) int { return int(r.src.Uint64() >> 1 % uint64(limit)) }

// between returns a number from low to high, both included.
func (r random) between(low, high int64) int64 { return low + int64(r.n(int(high-low+1))) }

// chance is true in percent of a hundred cases.
func (r random) chance(percent int) bool { return r.n(100) < percent }

// power returns a power of two from 1<<low to 1<<high.
func (r random) power(low, high int) int64 { return 1 << r.between(int64(low), int64(high)) }

func (r random) bytes(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.src.Uint64())
	}
	return data
}

func pick[T any](r random, list ...T) T { return list[r.n(len(list))] }

// shuffle puts the list in an arbitrary order.
func shuffle[T any](r random, list []T) {
	for i := len(list) - 1; i > 0; i-- {
		j := r.n(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}
