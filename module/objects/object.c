#include "object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithm.h"
#include "digest.h"
#include "encoding.h"
#include "object_attributes.h"

static const CK_BBOOL truth = CK_TRUE;
static const CK_BBOOL falsehood = CK_FALSE;

static const CK_ULONG profiles[] = {CKP_BASELINE_PROVIDER, CKP_AUTHENTICATION_TOKEN,
                                    CKP_PUBLIC_CERTIFICATES_TOKEN};

static void put(struct object *object, enum object_content content, const void *data, size_t size)
{
    object->contents[content] = (struct object_slice){data, size};
}

static void put_bytes(struct object *object, enum object_content content, const struct token_bytes *bytes)
{
    put(object, content, bytes->data, bytes->size);
}

/* CKA_UNIQUE_ID (3.0, 4.4.1), of what makes the object this one: another key or certificate under the same
 * name is another object. */
static void put_unique_id(struct object *object, const char kind[4], const uint8_t sha1[20])
{
    memcpy(object->unique_id, kind, 4);
    hex_encode(sha1, 20, object->unique_id + 4);
    put(object, CONTENT_UNIQUE_ID, object->unique_id, strlen(object->unique_id));
}

static struct object *add_object(struct object_set *set, CK_OBJECT_CLASS class,
                                 const struct attribute_table *attributes)
{
    struct object *object = &set->objects[set->count++];
    object->class = class;
    object->attributes = attributes;
    put(object, CONTENT_PRIVATE, &falsehood, sizeof falsehood);
    return object;
}

/* The exponent without leading zeros, as PKCS #11's big integers are. */
static void encode_exponent(struct object_set *set)
{
    uint32_t exponent = set->generation->key.public_key.exponent;
    for (int shift = 24; shift >= 0; shift -= 8)
        if (exponent >> shift != 0)
            set->exponent[set->exponent_size++] = (uint8_t)(exponent >> shift);
}

/* An OCTET STRING of the uncompressed point (current mechanisms, 2.3.3). */
static void encode_point(struct object_set *set)
{
    const struct tpm_public_key *key = &set->generation->key.public_key;
    size_t coordinate = (key->bits + 7) / 8;
    size_t content = 1 + 2 * coordinate;
    uint8_t *out = set->point;
    *out++ = 0x04;
    if (content > 0x7f)
        *out++ = 0x81;
    *out++ = (uint8_t)content;
    *out++ = 0x04;
    memcpy(out, key->x, coordinate);
    memcpy(out + coordinate, key->y, coordinate);
    set->point_size = (size_t)(out - set->point) + 2 * coordinate;
}

static void put_numbers(const struct object_set *set, struct object *object)
{
    const struct tpm_public_key *key = &set->generation->key.public_key;
    if (key->type == TPM_KEY_RSA) {
        object->number = key->bits;
        put(object, CONTENT_MODULUS, key->modulus, key->bits / 8);
        put(object, CONTENT_MODULUS_BITS, &object->number, sizeof object->number);
        put(object, CONTENT_PUBLIC_EXPONENT, set->exponent, set->exponent_size);
        return;
    }
    const struct curve_algorithm *curve = curve_algorithm_find(key->curve);
    if (curve != NULL)
        put(object, CONTENT_EC_PARAMS, curve->oid, curve->oid_size);
    put(object, CONTENT_EC_POINT, set->point, set->point_size);
}

static struct object *add_key(struct object_set *set, CK_OBJECT_CLASS class,
                              const struct attribute_table *attributes, size_t mechanism_count,
                              const uint8_t sha1[20])
{
    const struct token_generation *generation = set->generation;
    struct object *object = add_object(set, class, attributes);
    put(object, CONTENT_LABEL, generation->object_label, strlen(generation->object_label));
    put(object, CONTENT_ID, generation->id, generation->id_size);
    put_bytes(object, CONTENT_SUBJECT, &generation->certificate.subject);
    put_bytes(object, CONTENT_PUBLIC_KEY_INFO, &generation->public_key_info);
    put(object, CONTENT_MECHANISMS, set->mechanisms, mechanism_count * sizeof set->mechanisms[0]);
    put_unique_id(object, class == CKO_PRIVATE_KEY ? "prv-" : "pub-", sha1);
    put_numbers(set, object);
    return object;
}

static void add_keys(struct object_set *set, size_t mechanism_count)
{
    bool rsa = set->generation->key.public_key.type == TPM_KEY_RSA;
    const struct token_bytes *public_key = &set->generation->public_key_info;
    uint8_t sha1[20];

    digest_compute(DIGEST_SHA1, public_key->data, public_key->size, sha1);
    struct object *private_key = add_key(
        set, CKO_PRIVATE_KEY, rsa ? &rsa_private_attributes : &ec_private_attributes, mechanism_count, sha1);
    if (set->generation->key.has_pin)
        put(private_key, CONTENT_PRIVATE, &truth, sizeof truth);
    add_key(set, CKO_PUBLIC_KEY, rsa ? &rsa_public_attributes : &ec_public_attributes, mechanism_count, sha1);
}

static void add_certificate(struct object_set *set, const struct token_certificate *certificate,
                            const char *label, CK_ULONG category)
{
    uint8_t sha1[20];
    struct object *object = add_object(set, CKO_CERTIFICATE, &certificate_attributes);

    snprintf(object->label, sizeof object->label, "%s", label);
    object->number = category;
    digest_compute(DIGEST_SHA1, certificate->value.data, certificate->value.size, sha1);
    /* 4.6.2: the first three bytes */
    memcpy(object->check_value, sha1, sizeof object->check_value);
    put(object, CONTENT_LABEL, object->label, strlen(object->label));
    put(object, CONTENT_ID, certificate->id, certificate->id_size);
    put_bytes(object, CONTENT_SUBJECT, &certificate->subject);
    put_bytes(object, CONTENT_ISSUER, &certificate->issuer);
    put_bytes(object, CONTENT_SERIAL_NUMBER, &certificate->serial_number);
    put_bytes(object, CONTENT_VALUE, &certificate->value);
    put_bytes(object, CONTENT_PUBLIC_KEY_INFO, &certificate->public_key_info);
    put(object, CONTENT_SUBJECT_KEY_HASH, certificate->subject_public_key_hash, 20);
    if (certificate->has_issuer_public_key_hash)
        put(object, CONTENT_ISSUER_KEY_HASH, certificate->issuer_public_key_hash, 20);
    put(object, CONTENT_CHECK_VALUE, object->check_value, sizeof object->check_value);
    put(object, CONTENT_START_DATE, certificate->not_before, 8);
    put(object, CONTENT_END_DATE, certificate->not_after, 8);
    put(object, CONTENT_CATEGORY, &object->number, sizeof object->number);
    put_unique_id(object, "crt-", sha1);
}

static void add_certificates(struct object_set *set)
{
    const struct token_generation *generation = set->generation;
    char label[TOKEN_LABEL_MAX + 32];

    if (!generation->has_certificate)
        return;
    add_certificate(set, &generation->certificate, generation->object_label,
                    CK_CERTIFICATE_CATEGORY_TOKEN_USER);
    for (size_t i = 0; i < generation->chain_count; i++) {
        /* names of their own: a URI with the device's object= must not find an issuer */
        snprintf(label, sizeof label, "%s issuer %zu", generation->object_label, i + 1);
        add_certificate(set, &generation->chain[i], label, CK_CERTIFICATE_CATEGORY_AUTHORITY);
    }
}

static void add_profiles(struct object_set *set)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        struct object *object = add_object(set, CKO_PROFILE, &profile_attributes);
        snprintf(object->unique_id, sizeof object->unique_id, "profile-%lu", profiles[i]);
        put(object, CONTENT_UNIQUE_ID, object->unique_id, strlen(object->unique_id));
        put(object, CONTENT_PROFILE_ID, &profiles[i], sizeof profiles[i]);
    }
}

struct object_set *object_set_new(struct token_generation *generation, const CK_MECHANISM_TYPE *mechanisms,
                                  size_t count)
{
    struct object_set *set = calloc(1, sizeof *set);
    if (set == NULL) {
        token_generation_free(generation);
        return NULL;
    }
    set->generation = generation;
    if (count > OBJECT_MECHANISMS_MAX)
        count = OBJECT_MECHANISMS_MAX;
    memcpy(set->mechanisms, mechanisms, count * sizeof mechanisms[0]);
    if (generation->key.public_key.type == TPM_KEY_RSA)
        encode_exponent(set);
    else
        encode_point(set);
    add_keys(set, count);
    add_certificates(set);
    add_profiles(set);
    return set;
}

void object_set_free(struct object_set *set)
{
    if (set == NULL)
        return;
    token_generation_free(set->generation);
    free(set);
}

static enum attribute_answer row_value(const struct object *object, const struct attribute_row *row,
                                       struct object_slice *ret_value)
{
    switch (row->source) {
    case SOURCE_TRUE:
        *ret_value = (struct object_slice){&truth, sizeof truth};
        break;
    case SOURCE_FALSE:
        *ret_value = (struct object_slice){&falsehood, sizeof falsehood};
        break;
    case SOURCE_NUMBER:
        *ret_value = (struct object_slice){&row->number, sizeof row->number};
        break;
    case SOURCE_EMPTY:
        *ret_value = (struct object_slice){NULL, 0};
        break;
    case SOURCE_CONTENT:
        *ret_value = object->contents[row->number];
        break;
    case SOURCE_SECRET:
        return ATTRIBUTE_SENSITIVE;
    }
    return ATTRIBUTE_IS;
}

enum attribute_answer object_attribute(const struct object *object, CK_ATTRIBUTE_TYPE type,
                                       struct object_slice *ret_value)
{
    for (size_t i = 0; i < object->attributes->count; i++)
        if (object->attributes->rows[i].type == type)
            return row_value(object, &object->attributes->rows[i], ret_value);
    return ATTRIBUTE_UNKNOWN;
}

bool object_matches(const struct object *object, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        struct object_slice value = {NULL, 0};
        if (object_attribute(object, template[i].type, &value) != ATTRIBUTE_IS ||
            value.size != template[i].ulValueLen)
            return false;
        if (value.size > 0 &&
            (template[i].pValue == NULL || memcmp(value.data, template[i].pValue, value.size) != 0))
            return false;
    }
    return true;
}

bool object_is_private(const struct object *object)
{
    return object->contents[CONTENT_PRIVATE].data == &truth;
}

CK_ULONG object_size(const struct object *object)
{
    CK_ULONG size = 0;
    for (size_t i = 0; i < object->attributes->count; i++) {
        struct object_slice value = {NULL, 0};
        if (row_value(object, &object->attributes->rows[i], &value) == ATTRIBUTE_IS)
            size += value.size;
    }
    return size;
}
