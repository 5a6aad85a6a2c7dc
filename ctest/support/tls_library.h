/* What the platform's TLS library does otherwise than another platform's, as far as cases must know it. */
#ifndef TLS_LIBRARY_H
#define TLS_LIBRARY_H

/* The newest version that it has, as a status line names it. */
const char *newest_tls(void);
/* Whether a server sees the handshake fail whose certificate is refused; else the connection ends right behind it. */
int refuses_within_handshake(void);

#endif
