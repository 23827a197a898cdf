package campaign_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"github.com/hybridcampaign/campaign"
)

// filled returns a tracker in which each of n profiles is closed for two
// campaigns, and its snapshot.
func filled(t testing.TB, n int) (*campaign.MemoryTracker, []byte) {
	t.Helper()
	tr := new(campaign.MemoryTracker)
	for i := range n {
		e := entry(noon)
		e.Profile = fmt.Sprint(i)
		e.Timeout = timeouts[1+i%(len(timeouts)-1)]
		enter(t, tr, e)
		e.Campaign = "hats"
		enter(t, tr, e)
	}
	var b bytes.Buffer
	if _, err := tr.WriteTo(&b); err != nil {
		t.Fatalf("WriteTo = %v, want nil", err)
	}
	return tr, b.Bytes()
}

func enter(t testing.TB, tr campaign.Tracker, e campaign.Entry) {
	t.Helper()
	if _, _, err := tr.Enter(context.Background(), e); err != nil {
		t.Fatalf("Enter(%v) = error %v, want none", e, err)
	}
}

func TestSnapshotRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 100, 2048, 2049, 5000, 30_000} {
		tr, snapshot := filled(t, n)
		var got campaign.MemoryTracker
		if read, err := got.ReadFrom(iotest.OneByteReader(bytes.NewReader(snapshot))); err != nil || read != int64(len(snapshot)) {
			t.Fatalf("ReadFrom(snapshot of %d) = %d, %v, want %d, nil", n, read, err, len(snapshot))
		}
		if want := tr.Len(noon); got.Len(noon) != want {
			t.Errorf("Len = %d after ReadFrom, want %d", got.Len(noon), want)
		}
		for i := range n {
			for _, c := range []string{"shoes", "hats"} {
				want, _ := tr.Until(c, fmt.Sprint(i), noon)
				if until, closed := got.Until(c, fmt.Sprint(i), noon); !closed || !until.Equal(want) {
					t.Fatalf("Until(%s, %d) = %v, %t after ReadFrom, want %v", c, i, until, closed, want)
				}
			}
		}
		for i := range n { // it grows on
			e := lasting(entry(noon), time.Hour)
			e.Profile = fmt.Sprint("new ", i)
			enter(t, &got, e)
		}
		if want := tr.Len(noon) + n; got.Len(noon) != want {
			t.Errorf("Len = %d after ReadFrom and %d others, want %d", got.Len(noon), n, want)
		}
	}
}

func TestSnapshotLeavesOutTheExpired(t *testing.T) {
	tr, full := filled(t, 2000)
	for i := range 17 { // one alone might have a wrong clock
		e := entry(noon.AddDate(100, 0, 0))
		e.Profile = fmt.Sprint("late ", i)
		enter(t, tr, e)
	}
	var b bytes.Buffer
	if _, err := tr.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	// Of ten timeouts, Never and 120 years go on.
	if got, want := b.Len(), len(full)/5; got > want+500 {
		t.Errorf("the snapshot a century later has %d bytes, want about %d", got, want)
	}
}

func TestSnapshotRefused(t *testing.T) {
	_, snapshot := filled(t, 10)
	tr, _ := filled(t, 3)
	refuse := func(t *testing.T, name string, data []byte) {
		t.Helper()
		_, err := tr.ReadFrom(bytes.NewReader(data))
		if _, ok := errors.AsType[*campaign.SnapshotError](err); !ok {
			t.Errorf("ReadFrom(%s) = %v, want a *SnapshotError", name, err)
		}
		if got := tr.Len(noon); got != 6 {
			t.Fatalf("Len = %d after ReadFrom(%s), want 6 as before", got, name)
		}
	}
	for n := range snapshot {
		refuse(t, fmt.Sprintf("the first %d bytes", n), snapshot[:n])
	}
	for i := range snapshot {
		damaged := bytes.Clone(snapshot)
		damaged[i] ^= 1 << (i % 8)
		refuse(t, fmt.Sprintf("byte %d damaged", i), damaged)
	}
	refuse(t, "one byte more", append(bytes.Clone(snapshot), 0))
	refuse(t, "two in a row", append(bytes.Clone(snapshot), snapshot...))
	refuse(t, "a picture", []byte("\x89PNG\r\n\x1a\n and more than enough to be read as a header"))
}

// signed gives content the checksum that it should have.
func signed(content []byte) []byte {
	sum := sha256.Sum256(content)
	return append(content, sum[:]...)
}

// TestSnapshotRefusedThoughSigned is about files that somebody has made up: the
// checksum is right, and what it covers is not.
func TestSnapshotRefusedThoughSigned(t *testing.T) {
	_, good := filled(t, 0)
	header := good[:8+4+16+8]
	u64 := binary.LittleEndian.AppendUint64
	end := uint64(noon.UnixMilli()) << 3
	one := func(word, end uint64) []byte { return u64(u64([]byte{1}, word), end) }
	join := func(parts ...[]byte) []byte { return signed(bytes.Join(append([][]byte{header}, parts...), nil)) }
	zero := make([]byte, 8)
	tests := []struct {
		name string
		data []byte
		ok   bool
	}{
		{"as it should be", join([]byte{2, 'a'}, one(1<<3, end), []byte{0, 0}, u64(nil, 1)), true},
		{"empty", join([]byte{0}, zero), true},
		{"wrong count", join([]byte{2, 'a'}, one(1<<3, end), []byte{0, 0}, u64(nil, 2)), false},
		{"no fingerprint", join([]byte{2, 'a'}, one(1, end), []byte{0, 0}, u64(nil, 1)), false},
		{"after the end of time", join([]byte{2, 'a'}, one(1<<3, uint64(endOfTime.UnixMilli()+1)<<3), []byte{0, 0}, u64(nil, 1)), false},
		{"before the year 1", join([]byte{2, 'a'}, one(1<<3, 1<<63), []byte{0, 0}, u64(nil, 1)), false},
		{"a campaign twice", join([]byte{2, 'a'}, one(1<<3, end), []byte{0, 2, 'a'}, one(2<<3, end), []byte{0, 0}, u64(nil, 2)), false},
		{"a name of 2^62 bytes", join(binary.AppendUvarint(nil, 1<<62), zero), false},
		{"a block of 2^62 cooldowns", join([]byte{2, 'a'}, binary.AppendUvarint(nil, 1<<62), zero), false},
		{"a number without end", join(bytes.Repeat([]byte{0xff}, 64)), false},
		{"another version", signed(append(append(bytes.Clone(header[:8]), 9), good[9:len(good)-32]...)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var tr campaign.MemoryTracker
			_, err := tr.ReadFrom(bytes.NewReader(tt.data))
			runtime.ReadMemStats(&after)
			if (err == nil) != tt.ok {
				t.Errorf("ReadFrom = %v, want ok: %t", err, tt.ok)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
				t.Errorf("ReadFrom allocated %d bytes for %d, want less than a megabyte", took, len(tt.data))
			}
		})
	}
}

// TestSnapshotOfOneLine is about a file made up so that all cooldowns belong in
// one line, or its other one, which no hash would do. They take time, but no more
// memory.
func TestSnapshotOfOneLine(t *testing.T) {
	const n = 4000 // in one block
	_, good := filled(t, 0)
	content := append(bytes.Clone(good[:8+4+16+8]), 2, 'a')
	content = binary.AppendUvarint(content, n)
	for i := range uint64(n) {
		content = binary.LittleEndian.AppendUint64(content, i<<36|1<<3) // below the bits that choose the other line
		content = binary.LittleEndian.AppendUint64(content, uint64(noon.UnixMilli()+1)<<3)
	}
	content = binary.LittleEndian.AppendUint64(append(content, 0, 0), n)
	base := heap()
	var tr campaign.MemoryTracker
	if _, err := tr.ReadFrom(bytes.NewReader(signed(content))); err != nil {
		t.Fatalf("ReadFrom = %v, want nil", err)
	}
	if used := heap() - base; used > 1<<20 {
		t.Errorf("%d cooldowns take %d bytes, want less than a megabyte", n, used)
	}
	if got := tr.Len(noon); got != n {
		t.Errorf("Len = %d, want %d", got, n)
	}
	var b bytes.Buffer
	if _, err := tr.WriteTo(&b); err != nil || b.Len() != len(content)+sha256.Size {
		t.Errorf("WriteTo wrote %d bytes, %v, want %d as were read", b.Len(), err, len(content)+sha256.Size)
	}
}

// TestSnapshotOfOnePage is about a file made up so that all cooldowns belong in one
// of the pages that are made for so many. It grows as any other.
func TestSnapshotOfOnePage(t *testing.T) {
	const n = 60_000
	_, good := filled(t, 0)
	content := append(bytes.Clone(good[:8+4+16+8]), 2, 'a')
	for i := range uint64(n) {
		content = append(content, 1)
		content = binary.LittleEndian.AppendUint64(content, (i+1)*0x9e3779b97f4a7c15<<5) // the path begins with 00000
		content = binary.LittleEndian.AppendUint64(content, uint64(noon.UnixMilli()+1)<<3|i>>8%4)
	}
	content = binary.LittleEndian.AppendUint64(append(content, 0, 0), n)
	base := heap()
	var tr campaign.MemoryTracker
	if _, err := tr.ReadFrom(bytes.NewReader(signed(content))); err != nil {
		t.Fatalf("ReadFrom = %v, want nil", err)
	}
	if used := heap() - base; used > n*22 {
		t.Errorf("%d cooldowns take %d bytes, want at most 22 for each", n, used)
	}
	if got := tr.Len(noon); got != n {
		t.Errorf("Len = %d, want %d", got, n)
	}
}

// What a snapshot has grown to goes when its cooldowns have ended, but for what the
// Capacity keeps.
func TestSnapshotShrinks(t *testing.T) {
	const n, few = 100_000, 5000
	var full campaign.MemoryTracker
	day := func(tr *campaign.MemoryTracker, d, n int) {
		e := lasting(entry(noon.AddDate(0, 0, d)), time.Hour)
		for i := range n {
			e.Profile = fmt.Sprint(d, "/", i)
			enter(t, tr, e)
		}
	}
	day(&full, 0, n)
	var b bytes.Buffer
	if _, err := full.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	for _, capacity := range []int{0, few, n} {
		base := heap()
		tr := campaign.MemoryTracker{Capacity: capacity}
		if _, err := tr.ReadFrom(bytes.NewReader(file)); err != nil {
			t.Fatalf("ReadFrom = %v, want nil", err)
		}
		before := heap() - base
		for d := range 10 {
			day(&tr, 1+d, few)
		}
		if now := heap() - base; (now < before/5) != (capacity < n) {
			t.Errorf("with Capacity %d, %d bytes are in use for %d cooldowns, and were %d for %d", capacity, now, few, before, n)
		}
		runtime.KeepAlive(&tr)
	}
	runtime.KeepAlive(&full)
}

// TestSnapshotOfNothing is about a file made up of campaigns without cooldowns.
func TestSnapshotOfNothing(t *testing.T) {
	const n = 20_000
	_, good := filled(t, 0)
	content := bytes.Clone(good[:8+4+16+8])
	for i := range n {
		id := fmt.Sprint(i)
		content = append(append(append(content, byte(len(id)+1)), id...), 0)
	}
	content = append(content, make([]byte, 1+8)...)
	base := heap()
	var tr campaign.MemoryTracker
	if _, err := tr.ReadFrom(bytes.NewReader(signed(content))); err != nil {
		t.Fatalf("ReadFrom = %v, want nil", err)
	}
	if used := heap() - base; used > 1<<20 {
		t.Errorf("%d bytes without a cooldown take %d, want less than a megabyte", len(content), used)
	}
	runtime.KeepAlive(&tr)
}

func TestSnapshotIOErrors(t *testing.T) {
	tr, snapshot := filled(t, 100)
	broken := errors.New("the disk is broken")
	r := io.MultiReader(bytes.NewReader(snapshot[:50]), iotest.ErrReader(broken))
	if _, err := tr.ReadFrom(r); !errors.Is(err, broken) {
		t.Errorf("ReadFrom(broken) = %v, want %v", err, broken)
	}
	if n, err := tr.WriteTo(limitedWriter{}); !errors.Is(err, io.ErrShortWrite) || n != 7 {
		t.Errorf("WriteTo(broken) = %d, %v, want 7, %v", n, err, io.ErrShortWrite)
	}
	var half halfWriter
	if n, err := tr.WriteTo(&half); !errors.Is(err, io.ErrShortWrite) || n != int64(half) {
		t.Errorf("WriteTo(a writer that takes half and does not say so) = %d, %v, want %d, %v", n, err, half, io.ErrShortWrite)
	}
}

type limitedWriter struct{}

func (limitedWriter) Write([]byte) (int, error) { return 7, io.ErrShortWrite }

// A halfWriter takes half of what it is given, without an error, and counts it.
type halfWriter int64

func (w *halfWriter) Write(b []byte) (int, error) {
	n := len(b) / 2
	*w += halfWriter(n)
	return n, nil
}

// A host that keeps several files sees which of them is damaged.
func TestLoadFileNamesTheFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cooldowns")
	load := func(data []byte) error {
		t.Helper()
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return new(campaign.MemoryTracker).LoadFile(name)
	}
	_, snapshot := filled(t, 10)
	damaged := bytes.Clone(snapshot)
	damaged[len(damaged)-1]++
	for _, tt := range []struct {
		data []byte
		want string
	}{
		{damaged, fmt.Sprintf(", at byte %d: is damaged; use an older one", len(damaged))},
		{[]byte("something"), ", at byte 8: is not a snapshot of cooldowns; check the file's name"},
		{nil, ", at byte 0: is not a snapshot of cooldowns; check the file's name"},
		{snapshot[:17], ", at byte 17: is cut short; use an older one: unexpected EOF"},
	} {
		err := load(tt.data)
		refused, ok := errors.AsType[*campaign.SnapshotError](err)
		if want := "campaign: snapshot of cooldowns " + name + tt.want; !ok || refused.File != name || err.Error() != want {
			t.Errorf("LoadFile = %v, want a *SnapshotError:\n%s", err, want)
		}
	}
	if err := load(snapshot); err != nil {
		t.Errorf("LoadFile = %v, want nil", err)
	}
	_, err := new(campaign.MemoryTracker).ReadFrom(bytes.NewReader(damaged))
	if want := fmt.Sprintf("campaign: snapshot of cooldowns, at byte %d: is damaged; use an older one", len(damaged)); err == nil || err.Error() != want {
		t.Errorf("ReadFrom = %v, want %s", err, want)
	}
}

func TestSaveFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cooldowns")
	tr, _ := filled(t, 10)
	if err := tr.LoadFile(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("LoadFile(missing) = %v, want os.ErrNotExist", err)
	}
	for range 2 {
		if err := tr.SaveFile(name); err != nil {
			t.Fatalf("SaveFile = %v, want nil", err)
		}
	}
	var got campaign.MemoryTracker
	if err := got.LoadFile(name); err != nil || got.Len(noon) != 20 {
		t.Errorf("LoadFile = %v with Len %d, want nil, 20", err, got.Len(noon))
	}
	files, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(files) != 1 {
		t.Errorf("SaveFile left %v, %v, want one file", files, err)
	}
	if err := tr.SaveFile(filepath.Join(name, "below a file")); err == nil {
		t.Error("SaveFile below a file = nil, want an error")
	}
}

// saveForEver is set in the process that TestSaveFileKilled starts and kills.
const saveForEver = "CAMPAIGN_TEST_SAVE_FOR_EVER"

func TestSaveFileKilled(t *testing.T) {
	if name := os.Getenv(saveForEver); name != "" {
		tr, _ := filled(t, 8000)
		for {
			if err := tr.SaveFile(name); err != nil {
				t.Fatal(err)
			}
			fmt.Println("saved")
		}
	}
	name := filepath.Join(t.TempDir(), "cooldowns")
	for i := range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSaveFileKilled$", "-test.timeout=1m")
		cmd.Env = append(os.Environ(), saveForEver+"="+name)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, len("saved\n"))); err != nil {
			t.Errorf("the child did not save: %v", err)
		}
		// Kill it in the middle of a save: once so much has been written.
		for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); {
			if f, err := os.Stat(name + ".tmp"); err == nil && f.Size() >= int64(i)*50_000 {
				break
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		var tr campaign.MemoryTracker
		if err := tr.LoadFile(name); err != nil || tr.Len(noon) != 16_000 {
			t.Fatalf("LoadFile after kill %d = %v with Len %d, want nil, 16000", i, err, tr.Len(noon))
		}
	}
}

func FuzzReadFrom(f *testing.F) {
	for _, n := range []int{0, 1, 5} {
		_, snapshot := filled(f, n)
		f.Add(snapshot[:len(snapshot)-32])
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		var tr campaign.MemoryTracker
		if _, err := tr.ReadFrom(bytes.NewReader(signed(bytes.Clone(content)))); err != nil {
			return
		}
		var b bytes.Buffer
		if _, err := tr.WriteTo(&b); err != nil {
			t.Fatalf("WriteTo = %v, want nil", err)
		}
		var again campaign.MemoryTracker
		if _, err := again.ReadFrom(&b); err != nil {
			t.Fatalf("ReadFrom of what WriteTo wrote = %v, want nil", err)
		}
		if again.Len(noon) > tr.Len(noon) {
			t.Errorf("Len = %d after a round trip, want at most %d", again.Len(noon), tr.Len(noon))
		}
		e := lasting(entry(noon), campaign.Never) // whatever the newest visit was, it goes on
		first, entered := mustEnter(t, &again, e)
		if second, again := mustEnter(t, &again, e); again || !second.Equal(first) {
			t.Errorf("Enter twice = %v, %t and %v, %t, want the second closed until the same", first, entered, second, again)
		}
	})
}
