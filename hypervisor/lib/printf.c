/* SPDX-License-Identifier: MIT
 *
 * C's formats as far as lib.h names them. Output past the end of the buffer is counted, not stored;
 * the result always ends in NUL. A format that is not known is printed as it stands.
 */

struct out {
    char *buf;
    size_t size, at;
};

struct spec {
    bool left, zero, alt, sign;
    int width, precision; /* precision -1: none */
    int length;           /* bytes of the integer argument: 1, 2, 4, 8 */
};

static void put(struct out *o, char c)
{
    if (o->at + 1 < o->size)
        o->buf[o->at] = c;
    o->at++;
}

static void put_padded(struct out *o, const struct spec *sp, const char *prefix, const char *text,
                       int n)
{
    int prefix_len = (int)strlen(prefix);
    int zeros = sp->precision > n ? sp->precision - n : 0;

    if (sp->zero && !sp->left && sp->precision < 0 && sp->width > n + prefix_len)
        zeros = sp->width - n - prefix_len;
    int blanks = sp->width - n - prefix_len - zeros;

    for (int i = 0; !sp->left && i < blanks; i++)
        put(o, ' ');
    while (*prefix)
        put(o, *prefix++);
    while (zeros-- > 0)
        put(o, '0');
    for (int i = 0; i < n; i++)
        put(o, text[i]);
    for (int i = 0; sp->left && i < blanks; i++)
        put(o, ' ');
}

static void put_number(struct out *o, const struct spec *sp, uint64_t v, unsigned base, bool upper,
                       const char *prefix)
{
    char text[24];
    int at = sizeof(text);

    do {
        text[--at] = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[v % base];
        v /= base;
    } while (v);
    put_padded(o, sp, prefix, text + at, (int)sizeof(text) - at);
}

static void put_string(struct out *o, struct spec *sp, const char *s)
{
    if (!s)
        s = "(null)";
    size_t n = strnlen(s, sp->precision >= 0 ? (size_t)sp->precision : 0x7fffffff);

    sp->precision = -1;
    sp->zero = false;
    put_padded(o, sp, "", s, (int)n);
}

static const char *parse_spec(const char *f, struct spec *sp, __builtin_va_list *ap)
{
    *sp = (struct spec){.precision = -1, .length = 4};
    for (;; f++) {
        if (*f == '-')
            sp->left = true;
        else if (*f == '0')
            sp->zero = true;
        else if (*f == '#')
            sp->alt = true;
        else if (*f == '+')
            sp->sign = true;
        else
            break;
    }
    if (*f == '*') {
        sp->width = __builtin_va_arg(*ap, int);
        f++;
    }
    for (; *f >= '0' && *f <= '9'; f++)
        sp->width = sp->width * 10 + (*f - '0');
    if (*f == '.') {
        sp->precision = 0;
        if (*++f == '*') {
            sp->precision = __builtin_va_arg(*ap, int);
            f++;
        }
        for (; *f >= '0' && *f <= '9'; f++)
            sp->precision = sp->precision * 10 + (*f - '0');
    }
    for (; *f == 'l' || *f == 'z' || *f == 'j' || *f == 't' || *f == 'h'; f++)
        sp->length = *f == 'h' ? sp->length / 2 : 8;
    return f;
}

static void put_signed(struct out *o, const struct spec *sp, int64_t v)
{
    put_number(o, sp, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, false,
               v < 0      ? "-"
               : sp->sign ? "+"
                          : "");
}

int vsnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list args)
{
    struct out o = {buf, size, 0};
    struct spec sp;
    __builtin_va_list ap;

    __builtin_va_copy(ap, args);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        const char *start = fmt;

        fmt = parse_spec(fmt + 1, &sp, &ap);
        if (*fmt == 'd' || *fmt == 'i') {
            int64_t v = sp.length == 8 ? __builtin_va_arg(ap, int64_t) : __builtin_va_arg(ap, int);

            put_signed(&o, &sp, v);
        } else if (*fmt == 'u' || *fmt == 'x' || *fmt == 'X' || *fmt == 'o') {
            uint64_t v =
                sp.length == 8 ? __builtin_va_arg(ap, uint64_t) : __builtin_va_arg(ap, unsigned);

            v &= sp.length < 4 ? (1ul << 8 * sp.length) - 1 : ~0ul;
            put_number(&o, &sp, v,
                       *fmt == 'u'   ? 10
                       : *fmt == 'o' ? 8
                                     : 16,
                       *fmt == 'X', sp.alt && *fmt != 'u' ? "0x" : "");
        } else if (*fmt == 'p') {
            put_number(&o, &sp, (uintptr_t) __builtin_va_arg(ap, void *), 16, false, "0x");
        } else if (*fmt == 's') {
            put_string(&o, &sp, __builtin_va_arg(ap, const char *));
        } else if (*fmt == 'c') {
            char c = (char)__builtin_va_arg(ap, int);

            put_padded(&o, &sp, "", &c, 1);
        } else if (*fmt == '%') {
            put(&o, '%');
        } else {
            for (; start < fmt; start++)
                put(&o, *start);
            fmt--; /* what follows is plain text, or the end */
        }
    }
    __builtin_va_end(ap);
    if (size)
        buf[min(o.at, size - 1)] = '\0';
    return (int)o.at;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    __builtin_va_list ap;

    __builtin_va_start(ap, fmt);
    int n = vsnprintf(buf, size, fmt, ap);
    __builtin_va_end(ap);
    return n;
}
