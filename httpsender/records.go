package httpsender

import "net"

// records is the TCP connection under TLS. It knows whether what was read of it ends
// with a record, which TLS itself does not say: what it has of the next one, it keeps
// until the rest comes.
type records struct {
	net.Conn
	head [recordHead]byte
	read int // bytes of head
	left int // bytes of the record behind it that are to come
}

// recordHead is how long the head of a record is: its type, a version, and the length
// of what follows (RFC 8446, section 5.1).
const recordHead = 5

func (r *records) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.follow(p[:n])
	return n, err
}

func (r *records) follow(b []byte) {
	for len(b) > 0 {
		if r.left > 0 {
			n := min(r.left, len(b))
			r.left -= n
			b = b[n:]
			continue
		}
		n := copy(r.head[r.read:], b)
		r.read += n
		b = b[n:]
		if r.read == recordHead {
			r.read, r.left = 0, int(r.head[3])<<8|int(r.head[4])
		}
	}
}

// whole reports whether no part of a record has been read.
func (r *records) whole() bool { return r.read == 0 && r.left == 0 }
