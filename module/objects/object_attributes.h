/* Which attributes a class has: the tables behind object_attribute(). */
#ifndef OBJECTS_OBJECT_ATTRIBUTES_H
#define OBJECTS_OBJECT_ATTRIBUTES_H

#include <stddef.h>

#include "pkcs11.h"

/* The variable contents of an object. One that an object does not have is empty. */
enum object_content {
    CONTENT_PRIVATE, /* CKA_PRIVATE: of the private key, true where there is a PIN */
    CONTENT_LABEL,
    CONTENT_UNIQUE_ID,
    CONTENT_ID,
    CONTENT_SUBJECT,
    CONTENT_ISSUER,
    CONTENT_SERIAL_NUMBER,
    CONTENT_VALUE,
    CONTENT_PUBLIC_KEY_INFO,
    CONTENT_SUBJECT_KEY_HASH,
    CONTENT_ISSUER_KEY_HASH,
    CONTENT_CHECK_VALUE,
    CONTENT_START_DATE,
    CONTENT_END_DATE,
    CONTENT_CATEGORY,
    CONTENT_MECHANISMS,
    CONTENT_MODULUS,
    CONTENT_MODULUS_BITS,
    CONTENT_PUBLIC_EXPONENT,
    CONTENT_EC_PARAMS,
    CONTENT_EC_POINT,
    CONTENT_PROFILE_ID,
    CONTENT_COUNT,
};

/* Where the value comes from. */
enum attribute_source {
    SOURCE_TRUE,
    SOURCE_FALSE,
    SOURCE_NUMBER, /* a CK_ULONG of the table */
    SOURCE_EMPTY,
    SOURCE_CONTENT, /* an enum object_content */
    SOURCE_SECRET,  /* never shown */
};

struct attribute_row {
    CK_ATTRIBUTE_TYPE type;
    enum attribute_source source;
    CK_ULONG number; /* the number, or the enum object_content */
};

struct attribute_table {
    const struct attribute_row *rows;
    size_t count;
};

extern const struct attribute_table certificate_attributes;
extern const struct attribute_table rsa_public_attributes;
extern const struct attribute_table rsa_private_attributes;
extern const struct attribute_table ec_public_attributes;
extern const struct attribute_table ec_private_attributes;
extern const struct attribute_table profile_attributes;

#endif
