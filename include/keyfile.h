/*
 * Reading "key = value" lines under "[section]" headings: token.conf, intune-tpm.conf, device-profile.conf
 * and enrollment.conf are all of this form. '#' begins a comment line; blanks around keys and values are
 * dropped; a key stands once in a section and a heading once in a file. Nothing is interpreted beyond that.
 */
#ifndef INTUNE_KEYFILE_H
#define INTUNE_KEYFILE_H

#include <stddef.h>

#define KEYFILE_ENTRIES_MAX 4096 /* more is not of this form: it bounds the work on a hostile file */

struct keyfile;

/*
 * Parses `size` bytes of text. NULL when a line is not of this form, a key is repeated, or memory is out;
 * *ret_error_line is then the line's number counted from 1, 0 for memory. The result is the caller's.
 */
struct keyfile *keyfile_parse(const char *text, size_t size, size_t *ret_error_line)
    __attribute__((warn_unused_result));

/* Reads and parses a file of at most max_size bytes. NULL with errno set (EINVAL and *ret_error_line: its
 * form). */
struct keyfile *keyfile_read(const char *path, size_t max_size, size_t *ret_error_line)
    __attribute__((warn_unused_result));

/* The value, or NULL. section "" holds the keys before the first heading. Owned by the keyfile. */
const char *keyfile_get(const struct keyfile *keyfile, const char *section, const char *key);

/* The entry at `index` in the order of the file, to look for keys nobody knows. Returns 0 past the end,
 * else 1. */
int keyfile_entry(const struct keyfile *keyfile, size_t index, const char **ret_section, const char **ret_key,
                  const char **ret_value);

void keyfile_free(struct keyfile *keyfile);

#endif
