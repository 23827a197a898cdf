//go:build !unix

package httpsender

// quiet cannot look into a connection without waiting on these systems. A
// request that is written just as the endpoint closes is uncertain then.
func (c *conn) quiet() bool { return true }
