package campaign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// SaveFile writes a snapshot, as [MemoryTracker.WriteTo] does, to a file that
// only its owner can read. Whatever happens meanwhile, the file is the old one
// or the new one, and whole: the new one is written beside it as name.tmp,
// forced to the disk, and renamed, which replaces a symbolic link of that name and
// not what it leads to. Only one process may save to a name.
func (t *MemoryTracker) SaveFile(name string) error {
	t.saving.Lock()
	defer t.saving.Unlock()
	if err := t.saveFile(name, name+".tmp"); err != nil {
		return fmt.Errorf("campaign: save cooldowns: %w", err)
	}
	return nil
}

func (t *MemoryTracker) saveFile(name, temporary string) error {
	// A fixed name, so that a process that is killed time and again leaves one
	// file behind and not many. It is removed and not written over, because its
	// permissions may be wider, or it may be a link to elsewhere.
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = t.WriteTo(f)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(temporary, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return syncDirectory(filepath.Dir(name))
}

// syncDirectory makes a rename last. Windows has no such call and needs none.
func syncDirectory(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// LoadFile reads a snapshot that [MemoryTracker.SaveFile] has written, as
// [MemoryTracker.ReadFrom] does; its [*SnapshotError] names the file. If there is
// no such file, [os.ErrNotExist] is among the causes of the error; a host that
// starts for the first time ignores it.
func (t *MemoryTracker) LoadFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("campaign: load cooldowns: %w", err)
	}
	defer f.Close()
	_, err = t.ReadFrom(f)
	if refused, ok := errors.AsType[*SnapshotError](err); ok {
		refused.File = name
	}
	return err
}
