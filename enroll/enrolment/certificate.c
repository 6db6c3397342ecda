#include "certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "bio_text.h"
#include "issued_certificate.h"
#include "public_key.h"

#define NOT_ACCEPTABLE "Nothing was installed. Report this to whoever runs the MDM server."

/* Takes what an i2d_...() function has made: der_keep(i2d_X509(x509, &der), &der, &bytes). */
static bool der_keep(int size, unsigned char **der, struct token_bytes *ret_bytes)
{
    bool kept = size > 0 && token_bytes_copy(*der, (size_t)size, ret_bytes);
    OPENSSL_free(*der);
    *der = NULL;
    return kept;
}

static bool date_format(const ASN1_TIME *when, char ret_date[9])
{
    struct tm tm;
    return ASN1_TIME_to_tm(when, &tm) && strftime(ret_date, 9, "%Y%m%d", &tm) == 8;
}

/* The facts that PKCS #11 objects have, and that the module does not parse by itself. */
static bool token_certificate_fill(X509 *x509, X509 *issuer, const uint8_t *id, size_t id_size,
                                   struct token_certificate *ret)
{
    unsigned char *der = NULL;
    if (!der_keep(i2d_X509(x509, &der), &der, &ret->value) ||
        !der_keep(i2d_X509_NAME(X509_get_subject_name(x509), &der), &der, &ret->subject) ||
        !der_keep(i2d_X509_NAME(X509_get_issuer_name(x509), &der), &der, &ret->issuer) ||
        !der_keep(i2d_ASN1_INTEGER(X509_get0_serialNumber(x509), &der), &der, &ret->serial_number) ||
        !der_keep(i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der), &der, &ret->public_key_info))
        return false;
    if (!public_key_info_hash(ret->public_key_info.data, ret->public_key_info.size,
                              ret->subject_public_key_hash) ||
        !date_format(X509_get0_notBefore(x509), ret->not_before) ||
        !date_format(X509_get0_notAfter(x509), ret->not_after))
        return false;
    if (!issuer && X509_check_issued(x509, x509) == X509_V_OK)
        issuer = x509;
    if (issuer) {
        struct token_bytes info = {0};
        ret->has_issuer_public_key_hash =
            der_keep(i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &der), &der, &info) &&
            public_key_info_hash(info.data, info.size, ret->issuer_public_key_hash);
        free(info.data);
    }
    if (!id) {
        id = ret->subject_public_key_hash;
        id_size = sizeof ret->subject_public_key_hash;
    }
    memcpy(ret->id, id, id_size);
    ret->id_size = id_size;
    return true;
}

static bool certificate_fill(const struct received_certificate *certificate,
                             const struct received_certificate *issuer, const uint8_t *id, size_t id_size,
                             struct token_certificate *ret)
{
    const unsigned char *cursor = certificate->der, *issuer_cursor = issuer ? issuer->der : NULL;
    X509 *x509 = d2i_X509(NULL, &cursor, (long)certificate->size);
    X509 *issuer_x509 = issuer ? d2i_X509(NULL, &issuer_cursor, (long)issuer->size) : NULL;
    bool filled = x509 && token_certificate_fill(x509, issuer_x509, id, id_size, ret);
    X509_free(issuer_x509);
    X509_free(x509);
    return filled;
}

enum enroll_exit install_certificate_choose(const struct received_certificates *received, time_t now,
                                            struct token_generation *generation,
                                            struct enroll_error *ret_error)
{
    struct issued_certificate issued;
    enum enroll_exit status =
        issued_certificate_choose(received, generation->public_key_info.data,
                                  generation->public_key_info.size, now, &issued, ret_error);
    if (status != ENROLL_OK)
        return status;
    const struct received_certificate *issuer = issued.chain_count > 0 ? issued.chain[0] : NULL;
    bool filled = issued.certificate->size <= TOKEN_CERTIFICATE_MAX &&
                  certificate_fill(issued.certificate, issuer, generation->id, generation->id_size,
                                   &generation->certificate);
    generation->has_certificate = true;
    for (size_t i = 0; filled && i < issued.chain_count && i < TOKEN_CHAIN_MAX; i++) {
        /* A root is its own issuer; of an intermediate whose issuer did not come, the issuer's key is not
         * known. */
        const struct received_certificate *above = i + 1 < issued.chain_count ? issued.chain[i + 1] : NULL;
        filled = issued.chain[i]->size <= TOKEN_CERTIFICATE_MAX &&
                 certificate_fill(issued.chain[i], above, NULL, 0, &generation->chain[i]);
        generation->chain_count = i + 1;
    }
    ERR_clear_error();
    if (!filled)
        return enroll_error_set(
            ret_error, ENROLL_CERTIFICATE, NOT_ACCEPTABLE,
            "a certificate that the server sent cannot be taken apart, or is larger than %d bytes",
            TOKEN_CERTIFICATE_MAX);
    return ENROLL_OK;
}

char *install_certificates_format(const struct token_certificate *certificates, size_t count)
{
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    for (size_t i = 0; bio && i < count; i++) {
        if (PEM_write_bio(bio, PEM_STRING_X509, "", certificates[i].value.data,
                          (long)certificates[i].value.size) <= 0)
            goto out;
    }
    text = bio_text_copy(bio);
out:
    BIO_free(bio);
    return text;
}

static char *name_text(const X509_NAME *name)
{
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    /* UTF-8 as it is, control characters escaped: this goes to a terminal. OpenSSL knows those of ASCII;
     * those from U+0080 to U+009F, of which terminals obey some, are C2 80 to C2 9F. */
    if (bio &&
        X509_NAME_print_ex(bio, name, 0, (XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB)) >= 0)
        text = bio_text_copy(bio);
    for (unsigned char *c = (unsigned char *)text; c && *c; c++) {
        if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
            c[0] = c[1] = '?';
        /* Bidirectional controls, which show text in another order: U+200E, U+200F, U+202A to U+202E, U+2066
         * to U+2069. */
        if (c[0] == 0xe2 &&
            ((c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xaa && c[2] <= 0xae))) ||
             (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9)))
            c[0] = c[1] = c[2] = '?';
    }
    BIO_free(bio);
    return text;
}

static char *serial_text(X509 *x509)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x509), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    char *text = hex ? strdup(hex) : NULL;
    OPENSSL_free(hex);
    BN_free(number);
    return text;
}

static bool when(const ASN1_TIME *asn1, time_t *ret_time)
{
    struct tm tm;
    if (!ASN1_TIME_to_tm(asn1, &tm))
        return false;
    *ret_time = timegm(&tm);
    return true;
}

bool certificate_facts_read(const uint8_t *der, size_t size, struct certificate_facts *ret_facts)
{
    struct certificate_facts facts = {0};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    const unsigned char *cursor = der;
    X509 *x509 = d2i_X509(NULL, &cursor, (long)size);
    bool read = x509 && X509_digest(x509, EVP_sha256(), digest, &digest_size) &&
                when(X509_get0_notBefore(x509), &facts.not_before) &&
                when(X509_get0_notAfter(x509), &facts.not_after);
    if (read) {
        facts.subject = name_text(X509_get_subject_name(x509));
        facts.issuer = name_text(X509_get_issuer_name(x509));
        facts.serial_number = serial_text(x509);
        facts.fingerprint = calloc(2 * digest_size + 1, 1);
        for (unsigned i = 0; facts.fingerprint && i < digest_size; i++)
            snprintf(facts.fingerprint + 2 * i, 3, "%02x", digest[i]);
        read = facts.subject && facts.issuer && facts.serial_number && facts.fingerprint;
    }
    if (read)
        *ret_facts = facts;
    else
        certificate_facts_free(&facts);
    X509_free(x509);
    return read;
}

void certificate_facts_free(struct certificate_facts *facts)
{
    free(facts->subject);
    free(facts->issuer);
    free(facts->serial_number);
    free(facts->fingerprint);
    *facts = (struct certificate_facts){0};
}
