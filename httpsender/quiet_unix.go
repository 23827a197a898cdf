//go:build unix

package httpsender

import "syscall"

// quiet reports whether nothing has arrived on an idle connection: neither its
// end, after which a request would be lost, nor bytes that nobody asked for.
func (c *conn) quiet() bool {
	sc, ok := c.raw.(syscall.Conn)
	if !ok {
		return false
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	var readErr error
	err = rc.Read(func(fd uintptr) bool {
		var b [1]byte
		_, readErr = syscall.Read(int(fd), b[:])
		return true // whatever it says, do not wait for more
	})
	return err == nil && readErr == syscall.EAGAIN
}
