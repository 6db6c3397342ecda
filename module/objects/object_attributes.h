/* Which attributes a class has: the tables behind object_attribute(). */
#ifndef TOKEN_OBJECT_ATTRIBUTES_H
#define TOKEN_OBJECT_ATTRIBUTES_H

#include "object.h"

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
