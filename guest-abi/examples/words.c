/* SPDX-License-Identifier: MIT */
/* Words of the command line; see words.h. */
#include "guest-abi/examples/words.h"
#include "frontends/os.h"
#include "guest-abi/kit/kit.h"

/* The text after NAME in the last word that is NAME or NAME=..., with its length; NULL: none. */
static const char *find(const char *name, size_t *len)
{
    const char *at = (const char *)start_info->cmd_line, *found = NULL;
    const char *end = at + sizeof(start_info->cmd_line);
    size_t n = strlen(name);

    while (at < end && *at != '\0') {
        const char *word = at;
        while (at < end && *at != '\0' && *at != ' ')
            at++;
        size_t length = (size_t)(at - word);
        if (length >= n && memcmp(word, name, n) == 0 && (length == n || word[n] == '=')) {
            found = word + n;
            *len = length - n;
        }
        while (at < end && *at == ' ')
            at++;
    }
    return found;
}

bool word_given(const char *name)
{
    size_t len;

    return find(name, &len) != NULL;
}

bool word_value(const char *name, char *value, size_t size)
{
    size_t len;
    const char *text = find(name, &len);

    if (text == NULL)
        return false;
    if (len > 0) { /* the = */
        text++;
        len--;
    }
    if (len >= size) {
        printf("the value of %s= is longer than %zu bytes\n", name, size - 1);
        return false;
    }
    memcpy(value, text, len);
    value[len] = '\0';
    return true;
}

uint64_t word_number(const char *name, uint64_t otherwise, uint64_t most)
{
    char text[24];
    uint64_t n = 0;

    if (!word_given(name))
        return otherwise;
    bool good = word_value(name, text, sizeof(text)) && text[0] != '\0';
    for (size_t i = 0; good && text[i] != '\0'; i++) {
        good = text[i] >= '0' && text[i] <= '9' && n <= most / 10;
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    if (good && n <= most)
        return n;
    printf("%s= wants a number up to %lu; using %lu\n", name, most, otherwise);
    return otherwise;
}
