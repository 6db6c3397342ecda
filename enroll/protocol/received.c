#include "received.h"

#include <stdlib.h>
#include <string.h>

bool received_certificate_add(struct received_certificates *received, enum received_role role,
                              const uint8_t *der, size_t size)
{
    if (received->count == RECEIVED_CERTIFICATES_MAX || size == 0)
        return false;
    uint8_t *copy = malloc(size);
    if (copy == NULL)
        return false;
    memcpy(copy, der, size);
    struct received_certificate *added = &received->list[received->count++];
    added->role = role;
    added->der = copy;
    added->size = size;
    return true;
}

void received_certificates_clear(struct received_certificates *received)
{
    for (size_t i = 0; i < received->count; i++)
        free(received->list[i].der);
    received->count = 0;
}
