/*
 * The objects that a generation of the token shows, and their attributes: which class has which attribute
 * stands in tables (object_attributes.c), what it holds comes from the generation. Nothing is copied but what
 * has to be encoded.
 */
#ifndef OBJECTS_OBJECT_H
#define OBJECTS_OBJECT_H

#include "object_attributes.h"
#include "pkcs11.h"
#include "token_directory.h"

#define OBJECT_COUNT_MAX      (3 + TOKEN_CHAIN_MAX + 3)
#define OBJECT_MECHANISMS_MAX 32

struct object_slice {
    const void *data;
    size_t size;
};

struct object {
    CK_OBJECT_CLASS class;
    const struct attribute_table *attributes;
    struct object_slice contents[CONTENT_COUNT];
    char label[TOKEN_LABEL_MAX + 32];
    char unique_id[48];
    uint8_t check_value[3];
    CK_ULONG number; /* category, modulus bits or profile, by the class */
};

/* All objects of one generation. */
struct object_set {
    struct token_generation *generation; /* owned */
    size_t count;
    struct object objects[OBJECT_COUNT_MAX];
    uint8_t exponent[4];
    size_t exponent_size;
    uint8_t point[4 + 1 + 2 * TPM_EC_MAX];
    size_t point_size;
    CK_MECHANISM_TYPE mechanisms[OBJECT_MECHANISMS_MAX];
};

/*
 * Makes the objects of a generation, which it takes over, also on failure. mechanisms: CKA_ALLOWED_MECHANISMS
 * of its keys, at most OBJECT_MECHANISMS_MAX. NULL when memory is out.
 */
struct object_set *object_set_new(struct token_generation *generation, const CK_MECHANISM_TYPE *mechanisms,
                                  size_t count);
void object_set_free(struct object_set *set); /* NULL is allowed */

enum attribute_answer {
    ATTRIBUTE_IS,        /* here it is */
    ATTRIBUTE_SENSITIVE, /* the object has it and never shows it */
    ATTRIBUTE_UNKNOWN,   /* objects of this class have no such attribute */
};

/* The attribute's value, owned by the set or static. */
enum attribute_answer object_attribute(const struct object *object, CK_ATTRIBUTE_TYPE type,
                                       struct object_slice *ret_value);

/* Whether an object has every attribute of a template with that very value. A sensitive attribute matches
 * nothing. */
bool object_matches(const struct object *object, const CK_ATTRIBUTE *template, CK_ULONG count);

/* Whether the object is to be seen only by who has logged in. */
bool object_is_private(const struct object *object);

/* Bytes of all attributes together, for C_GetObjectSize. */
CK_ULONG object_size(const struct object *object);

#endif
