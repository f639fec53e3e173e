// SPDX-License-Identifier: GPL-2.0-or-later

package avb_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"binman/codec"
	"binman/content"
	"binman/format/avb"
	"binman/format/fmap"
	"binman/format/verify"
	"binman/inspect"
)

var be = binary.BigEndian

// keys are made once, since that takes time.
var keys = sync.OnceValue(func() (list [2]*rsa.PrivateKey) {
	for i := range list {
		var err error
		if list[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	return list
})

// stored returns a key as images have it.
func stored(key *rsa.PublicKey) []byte {
	b := be.AppendUint32(nil, uint32(key.N.BitLen()))
	word := new(big.Int).Lsh(big.NewInt(1), 32)
	inverse := new(big.Int).ModInverse(new(big.Int).Mod(key.N, word), word)
	b = be.AppendUint32(b, uint32(new(big.Int).Sub(word, inverse).Uint64()))
	b = append(b, key.N.FillBytes(make([]byte, key.Size()))...)
	rr := new(big.Int).Mod(new(big.Int).Lsh(big.NewInt(1), uint(16*key.Size())), key.N)
	return append(b, rr.FillBytes(make([]byte, key.Size()))...)
}

// fields returns numbers one behind the other: an int has 8 bytes, a uint32 4, bytes
// and text stand for themselves.
func fields(list ...any) []byte {
	var b []byte
	for _, v := range list {
		switch v := v.(type) {
		case int:
			b = be.AppendUint64(b, uint64(v))
		case uint32:
			b = be.AppendUint32(b, v)
		case string:
			b = append(b, v...)
		case []byte:
			b = append(b, v...)
		}
	}
	return b
}

func zeros(n int) []byte { return make([]byte, n) }

// padded returns bytes with zeros behind them.
func padded(b []byte, to int) []byte { return append(b, zeros(-len(b)&(to-1))...) }

func descriptor(kind int, b []byte) []byte {
	b = padded(b, 8)
	return append(fields(kind, len(b)), b...)
}

func text32(s string) []byte { return append([]byte(s), zeros(32-len(s))...) }

func property(name, value string) []byte {
	return descriptor(0, fields(len(name), len(value), name, "\x00", value, "\x00"))
}

func hashtree(name, hash string, size, at, n int, salt string, root []byte) []byte {
	return descriptor(1, fields(uint32(1), size, at, n, uint32(4096), uint32(4096), uint32(0), 0, 0, text32(hash),
		uint32(len(name)), uint32(len(salt)), uint32(len(root)), uint32(0), zeros(60), name, salt, root))
}

func hash(name, hash string, size int, salt string, digest []byte) []byte {
	return descriptor(2, fields(size, text32(hash), uint32(len(name)), uint32(len(salt)), uint32(len(digest)), uint32(0), zeros(60), name, salt, digest))
}

func cmdline(text string) []byte {
	return descriptor(3, fields(uint32(1), uint32(len(text)), text))
}

func chain(name string, key []byte) []byte {
	return descriptor(4, fields(uint32(1), uint32(len(name)), uint32(len(key)), uint32(0), zeros(60), name, key))
}

// vbmeta returns an image; without a key it is not signed.
func vbmeta(key *rsa.PrivateKey, algorithm uint32, list ...[]byte) []byte {
	described := slices.Concat(list...)
	hash, public := crypto.SHA256, []byte(nil)
	hashLen, sigLen := 0, 0
	if key != nil {
		if algorithm > 3 {
			hash = crypto.SHA512
		}
		public, hashLen, sigLen = stored(&key.PublicKey), hash.Size(), key.Size()
	}
	aux := padded(slices.Concat(described, public), 64)
	auth := padded(zeros(hashLen+sigLen), 64)
	h := fields("AVB0", uint32(1), uint32(0), len(auth), len(aux), algorithm, 0, hashLen, hashLen, sigLen,
		len(described), len(public), 0, 0, 0, len(described), 7, uint32(0), uint32(0))
	h = append(h, "a test"...)
	h = append(h, zeros(256-len(h))...)
	if key != nil {
		sum := hash.New()
		sum.Write(h)
		sum.Write(aux)
		digest := sum.Sum(nil)
		sig, err := rsa.SignPKCS1v15(nil, key, hash, digest)
		if err != nil {
			panic(err)
		}
		copy(auth, digest)
		copy(auth[hashLen:], sig)
	}
	return slices.Concat(h, auth, aux)
}

// partition returns one with contents, more behind them, a vbmeta image and a footer.
func partition(size int, contents, more, image []byte) []byte {
	b := padded(slices.Concat(contents, more), 4096)
	footer := append(fields("AVBf", uint32(1), uint32(0), len(contents), len(b), len(image)), zeros(28)...)
	b = append(b, image...)
	return slices.Concat(b, zeros(size-len(b)-len(footer)), footer)
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// What avbtool 1.3.0 has for pattern(5000) with the salt "salt".
var digest5000 = unhex("10fb8fbc2d22c251ed6588dcca71f0bb4f20ac9cefcfdccffe997511e88b09d7")

// sample is an image with all kinds of descriptors.
func sample() []byte {
	k := keys()
	return vbmeta(k[0], 1, property("com.example", "hello"), hash("boot", "sha256", 5000, "salt", digest5000), cmdline("quiet"),
		chain("system", stored(&k[1].PublicKey)), hashtree("vendor", "sha1", 4096, 4096, 0, "", make([]byte, 20)), descriptor(9, nil), property("com.example", "again"))
}

// view shows what an image lists and what is found of it, with the given names of keys.
func view(t testing.TB, b []byte, given ...verify.Key) string {
	t.Helper()
	r := bytes.NewReader(b)
	im, err := avb.Parse(r, r.Size())
	if err != nil {
		return "error: " + err.Error()
	}
	var text strings.Builder
	for _, it := range im.List() {
		fmt.Fprintf(&text, "%s: %s, %#x+%#x\n", it.Name, it.Type, it.Offset, it.Size)
	}
	list, err := im.Verify(r, r.Size(), given)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		fmt.Fprintf(&text, "%s %s: %s %v %s\n", f.Path, f.What, f.Verdict, f.Signed, f.Why)
	}
	for i, key := range keys() {
		sum := crypto.SHA256.New()
		sum.Write(stored(&key.PublicKey))
		text2 := strings.ReplaceAll(text.String(), fmt.Sprintf("%x", sum.Sum(nil)), fmt.Sprintf("KEY%d", i))
		text.Reset()
		text.WriteString(text2)
	}
	return text.String()
}

func public(i int) verify.Key { return verify.Key{Name: "key", Public: &keys()[i].PublicKey} }

func TestImage(t *testing.T) {
	const want = `header: header, sha256,rsa2048, rollback index 7, made by a test, 0x0+0x100
authentication: hash and signature, 0x100+0x140
com.example: property "hello", 0x240+0x38
boot: hash of a partition, sha256, of 0x1388 bytes, 0x278+0xb0
cmdline: kernel command line if hash trees are checked "quiet", 0x328+0x20
system: partition with a vbmeta image, key sha256 KEY1, 0x348+0x270
vendor: hash tree of a partition, sha1, of 0x1000 bytes, 0x5b8+0xd0
descriptor-9: descriptor of kind 9, 0x688+0x10
com.example@698: property "again", 0x698+0x38
public-key: public key rsa2048, sha256 KEY0, 0x6d0+0x208
 structure: good false 
 sha256: good SIGNED 
 signature sha256,rsa2048: WHY
boot sha256: not covered false there is no partition 'boot' here
system key of the vbmeta image: not covered false there is no partition 'system' here
vendor sha1 tree: not covered false there is no partition 'vendor' here
`
	for _, test := range []struct {
		signed, why string
		keys        []verify.Key
	}{
		{"false", "not covered false the key in the image, sha256 KEY0, has signed it, and no key is given to judge that one by", nil},
		{"true", "good true ", []verify.Key{public(1), public(0)}},
		{"false", "bad false the key in the image, sha256 KEY0, is none of the keys given", []verify.Key{public(1)}},
	} {
		want := strings.NewReplacer("SIGNED", test.signed, "WHY", test.why).Replace(want)
		if got := view(t, sample(), test.keys...); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

func TestAlgorithms(t *testing.T) {
	if got := view(t, vbmeta(keys()[0], 4), public(0)); !strings.Contains(got, "sha512: good true") || !strings.Contains(got, "signature sha512,rsa2048: good true") {
		t.Error(got)
	}
	if got := view(t, vbmeta(keys()[0], 2), public(0)); !strings.Contains(got, "bad false the image has no public key of 4096 bits") {
		t.Error(got)
	}
	if got := view(t, vbmeta(nil, 0)); !strings.Contains(got, " signature: not covered false the image is not signed") {
		t.Error(got)
	}
	if got := view(t, vbmeta(nil, 77)); !strings.Contains(got, "algorithm 77 is not known here") {
		t.Error(got)
	}
}

// A change or a cut is told.
func TestDamage(t *testing.T) {
	b := sample()
	for i := range b {
		changed := slices.Clone(b)
		changed[i] ^= 0x10
		got := view(t, changed, public(0))
		padding := i >= 0x240-32 && i < 0x240 // of the authentication block
		if !strings.HasPrefix(got, "error") && !strings.Contains(got, ": bad ") && !padding && !strings.Contains(got, "is not known here") {
			t.Errorf("byte %#x changed, and nothing is told:\n%s", i, got)
		}
		if cut := view(t, b[:i]); !strings.HasPrefix(cut, "error") {
			t.Errorf("cut at %#x:\n%s", i, cut)
		}
	}
}

// The digests are those of avbtool 1.3.0 for the same contents.
func TestDigests(t *testing.T) {
	for _, test := range []struct {
		blocks, tree int
		hash, root   string
	}{
		{1, 0, "sha256", "422bf0886a201e0b9d37aa7557fbba30a54b4f3796438769918e5374be4cae06"},
		{128, 4096, "sha256", "ddbbb8bcd8970718d0662667ca0db9dc697f79016af3d16db381e84ec35510a0"},
		{300, 16384, "sha256", "dd0b36b6361ba90551b94883a7215452aff9b3c63a54dd1f42aa779d7264607d"},
		{129, 12288, "sha1", "783ef3bc8f53923074a68d1462deb829a878c55d"},
		{70, 12288, "sha512", "d1427579e5e0669345002b3cd116513450727ec399cfd2acb97634fadb0f1d2179f66a6818381c72e4f3069d1234835cd3ef774fa7ac89a0ccfdac59ecf5f20e"},
	} {
		size := test.blocks * 4096
		r := bytes.NewReader(vbmeta(nil, 0, hashtree("p", test.hash, size, size, test.tree, "salt", unhex(test.root))))
		im, err := avb.Parse(r, r.Size())
		if err != nil {
			t.Fatal(err)
		}
		// The tree is one of zeros, so it is found to be wrong, but for its root.
		d := &im.Descriptors[0]
		contents := append(pattern(size), zeros(test.tree)...)
		f, err := d.Verify(bytes.NewReader(contents), int64(len(contents)))
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if test.tree > 0 {
			want = fmt.Sprintf("the block of the tree at %#x is not that of what it describes", size+firstMade(test.tree))
		}
		if f.Why != want {
			t.Errorf("%d blocks, %s: %q, want %q", test.blocks, test.hash, f.Why, want)
		}
		contents[100]++
		if f, _ = d.Verify(bytes.NewReader(contents), int64(len(contents))); !strings.Contains(f.Why, "does not match") {
			t.Errorf("%d blocks, %s: %q", test.blocks, test.hash, f.Why)
		}
		if f, _ = d.Verify(bytes.NewReader(contents), int64(size-1)); f.Verdict != verify.Bad {
			t.Errorf("%d blocks, %s: it does not fit and is %s", test.blocks, test.hash, f.Verdict)
		}
	}
}

// firstMade returns where the block of a tree is that is complete first: the lowest
// level comes last.
func firstMade(tree int) int {
	if tree > 4096 {
		return 4096
	}
	return 0
}

// judged returns the findings about an image, one a line.
func judged(t testing.TB, b []byte, given ...verify.Key) string {
	t.Helper()
	list, err := inspect.Verify(content.Bytes(b), "file", given)
	if err != nil {
		t.Fatal(err)
	}
	return lines(list)
}

// lines returns findings, one a line.
func lines(list []verify.Finding) string {
	var text strings.Builder
	for _, f := range list {
		verdict := f.Verdict.String()
		if f.Signed {
			verdict += ", signed"
		}
		if f.File != "" {
			verdict += " (" + f.File + ")"
		}
		fmt.Fprintf(&text, "%s %s: %s\n", f.Path, f.What, verdict)
	}
	return text.String()
}

// A file that is a partition is judged by its own footer, whatever it is called.
func TestPartition(t *testing.T) {
	b := partition(0x4000, pattern(5000), nil, vbmeta(keys()[0], 1, hash("boot", "sha256", 5000, "salt", digest5000)))
	const want = ` structure: good
vbmeta structure: good
vbmeta sha256: good, signed
vbmeta signature sha256,rsa2048: good, signed
 sha256: good, signed
`
	if got := judged(t, b, public(0)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b[100]++
	if got := judged(t, b, public(0)); got != strings.Replace(want, "\n sha256: good, signed", "\n sha256: bad", 1) {
		t.Errorf("got\n%s", got)
	}
	b[0x2000+5]++
	if got := judged(t, b); got != " structure: good\nvbmeta structure: bad\n" {
		t.Errorf("got\n%s", got)
	}
}

// What a vbmeta image says of partitions of the same file, of its slot, is judged; it
// speaks for the keys of others.
func TestPartitions(t *testing.T) {
	k := keys()
	flash := func(boot []byte) []byte {
		main := vbmeta(k[0], 1, hash("boot", "sha256", 5000, "salt", digest5000), chain("system", stored(&k[1].PublicKey)), chain("product", stored(&k[1].PublicKey)), hash("gone", "sha256", 1, "", nil))
		system := partition(0x3000, []byte("system"), nil, vbmeta(k[1], 1))
		product := partition(0x3000, []byte("product"), nil, vbmeta(k[0], 1))
		chip := make([]byte, 0x20000)
		m := fmap.New(int64(len(chip)), "FLASH")
		at := 0x1000
		for _, p := range []struct {
			name string
			b    []byte
		}{{"vbmeta_b", main}, {"boot_a", []byte("other")}, {"boot_b", boot}, {"system_b", system}, {"product_b", product}} {
			copy(chip[at:], p.b)
			m.Areas = append(m.Areas, fmap.Area{Offset: int64(at), Size: int64(len(p.b)), Name: p.name})
			at += (len(p.b) + 0xfff) &^ 0xfff
		}
		table, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		copy(chip, table)
		return chip
	}
	const want = `vbmeta_b structure: good
vbmeta_b sha256: good, signed
vbmeta_b signature sha256,rsa2048: good, signed
vbmeta_b/gone sha256: not covered
boot_b sha256: good, signed
system_b key of the vbmeta image: good, signed
product_b key of the vbmeta image: bad
system_b structure: good
system_b/vbmeta structure: good
system_b/vbmeta sha256: good, signed
system_b/vbmeta signature sha256,rsa2048: good, signed
product_b structure: good
product_b/vbmeta structure: good
product_b/vbmeta sha256: good, signed
product_b/vbmeta signature sha256,rsa2048: good, signed
`
	if got := judged(t, flash(pattern(5000)), public(0)); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// The same holds for a flash that is compressed.
	c, err := codec.Lookup("gzip")
	if err != nil {
		t.Fatal(err)
	}
	packed, err := c.Compress(flash(pattern(5000)))
	if err != nil {
		t.Fatal(err)
	}
	root, err := inspect.Image(content.Bytes(packed), "flash.gz")
	if err != nil {
		t.Fatal(err)
	}
	inspect.NewUnpacker(1<<20).Unpack(root, content.Bytes(packed))
	list := root.Verify(content.Bytes(packed), []verify.Key{public(0)})
	if got, want := lines(list), "contents/"+strings.ReplaceAll(strings.TrimSuffix(want, "\n"), "\n", "\ncontents/")+"\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, f := range list[1:] { // the first is about the file
		if f.In != "contents" {
			t.Errorf("%+v", f)
		}
	}
	for _, boot := range [][]byte{pattern(4999), append([]byte("x"), pattern(4999)...)} {
		if got := judged(t, flash(boot), public(0)); !strings.Contains(got, "\nboot_b sha256: bad\n") {
			t.Errorf("got\n%s", got)
		}
	}
}

// What a vbmeta image says of partitions in files of their own is judged by these, and what
// a chained one says, with the key that it is chained by.
func TestBeside(t *testing.T) {
	k := keys()
	tree := partition(0x3000, []byte("system"), nil, vbmeta(k[1], 1, hash("system", "sha256", 6, "", sum("system")), hash("gone", "sha256", 1, "", nil)))
	other := partition(0x3000, []byte("product"), nil, vbmeta(k[0], 1))
	main := vbmeta(k[0], 1, hash("boot", "sha256", 5000, "salt", digest5000), hash("vendor", "sha256", 5000, "salt", digest5000),
		chain("system", stored(&k[1].PublicKey)), chain("product", stored(&k[1].PublicKey)), hash("broken", "sha256", 1, "", nil))
	files := map[string][]byte{"boot": pattern(5000), "vendor": pattern(4999), "system": tree, "product": other, "broken": nil}
	root, err := inspect.Image(content.Bytes(main), "vbmeta.img")
	if err != nil {
		t.Fatal(err)
	}
	const want = ` structure: good
 sha256: good, signed
 signature sha256,rsa2048: good, signed
boot sha256: good, signed (boot.img)
vendor sha256: bad (vendor.img)
system key of the vbmeta image: good, signed (system.img)
system structure: good (system.img)
system sha256: good, signed (system.img)
system signature sha256,rsa2048: good, signed (system.img)
system/system sha256: good, signed (system.img)
system/gone sha256: not covered (gone.img)
product key of the vbmeta image: bad (product.img)
broken sha256: not covered (broken.img)
`
	judge := func(given ...verify.Key) string {
		list := root.VerifyBeside(content.Bytes(main), given, func(name string) (content.Data, string, error) {
			b, ok := files[name]
			switch {
			case !ok:
				return content.Data{}, name + ".img", fs.ErrNotExist
			case b == nil:
				return content.Data{}, name + ".img", fs.ErrPermission
			}
			return content.Bytes(b), name + ".img", nil
		})
		return lines(list)
	}
	if got := judge(public(0)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// Without a key nothing is signed, and a chained key does not count either.
	got := judge()
	if strings.Contains(got, ", signed") || !strings.Contains(got, "system signature sha256,rsa2048: not covered (system.img)") {
		t.Errorf("got\n%s", got)
	}
}

func sum(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}

func FuzzParse(f *testing.F) {
	f.Add(sample())
	f.Add(vbmeta(nil, 0, hashtree("p", "sha256", 4096, 4096, 0, "", nil)))
	f.Add(partition(0x3000, pattern(4096), zeros(10), vbmeta(nil, 0, hash("p", "sha256", 4096, "", nil))))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		size := r.Size()
		inside := func(name string, off, n, size int64) {
			if off < 0 || n < 0 || off > size-n {
				t.Errorf("%s is outside: %#x+%#x of %#x", name, off, n, size)
			}
		}
		if p, err := avb.ParsePartition(r, size); err == nil {
			for _, it := range p.List() {
				if it.Name != "hash-tree" && it.Name != "fec" { // the descriptor says where
					inside(it.Name, it.Offset, it.Size, size)
				}
			}
		}
		judged(t, b)
		im, err := avb.Parse(r, size)
		if err != nil {
			return
		}
		for _, it := range im.List() {
			inside(it.Name, it.Offset, it.Size, im.Size)
		}
		if _, err := im.Verify(r, size, []verify.Key{public(0)}); err != nil {
			t.Error(err)
		}
		for i := range im.Descriptors {
			if f, err := im.Descriptors[i].Verify(r, size); err == nil {
				inside(f.What, f.Offset, f.Size, size)
			}
		}
	})
}
