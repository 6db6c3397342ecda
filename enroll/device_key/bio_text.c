#include "bio_text.h"

#include <stdlib.h>
#include <string.h>

char *bio_text_copy(BIO *bio)
{
    char *data = NULL;
    long size = bio ? BIO_get_mem_data(bio, &data) : -1;
    char *text = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (!text)
        return NULL;
    if (size > 0)
        memcpy(text, data, (size_t)size);
    text[size] = '\0';
    return text;
}
