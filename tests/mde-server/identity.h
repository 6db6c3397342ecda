/* The certificate and key of the server's own HTTPS, made at each start under an authority that stays. */
#ifndef MDE_SERVER_IDENTITY_H
#define MDE_SERVER_IDENTITY_H

struct options;

struct identity {
    char *certificate; /* PEM */
    char *key;         /* PEM */
    char *clients;     /* PEM of the authority whose TLS client certificates are asked for */
};

/* What cannot be made ends the program. */
void identity_make(const struct options *options, struct identity *ret_identity);
void identity_clear(struct identity *identity);

#endif
