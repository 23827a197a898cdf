//go:build unix

package campaign_test

import (
	"os"
	"path/filepath"
	"testing"
)

// A file that somebody else may read must not become the snapshot.
func TestSaveFileOnlyForItsOwner(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cooldowns")
	if err := os.WriteFile(name+".tmp", []byte("left behind"), 0o644); err != nil {
		t.Fatal(err)
	}
	tr, _ := filled(t, 1)
	if err := tr.SaveFile(name); err != nil {
		t.Fatalf("SaveFile = %v, want nil", err)
	}
	f, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if mode := f.Mode().Perm(); mode != 0o600 {
		t.Errorf("the mode of the file is %v, want %v", mode, os.FileMode(0o600))
	}
}
