/* SPDX-License-Identifier: MIT */
/*
 * Terms as text, as Erlang's ~tp on one line, without recursion over their depth.
 *
 * A frame is a container that is open: its brackets, and the row of words still to be printed. The
 * trie of a hashed map is a frame for each node, of which only the outermost has brackets.
 */
#include "mem/block.h"
#include "mem/heap.h"
#include "os/tls.h"
#include "term/bin.h"
#include "term/integer.h"
#include "term/number_text.h"
#include "term/pending.h"
#include "term/raise.h"
#include "term/utf8.h"

#include <inttypes.h>
#include <stdarg.h>

struct sink {
    char *buffer; /* may be NULL: only count */
    size_t room;
    FILE *file; /* may be NULL */
    bool file_failed;
    size_t length; /* of all that was printed */
};

enum frame_kind { ROW, LIST, PAIRS, NODES };

struct frame {
    const uint64_t *at;
    size_t n;
    uint64_t rest; /* of a list */
    enum frame_kind kind;
    bool first; /* nothing was printed inside yet */
    bool close; /* it ends with a brace */
};

struct print {
    struct sink *sink;
    struct tr__pending pending;
};

static void put(struct sink *sink, const char *text, size_t size)
{
    if (sink->file && fwrite(text, 1, size, sink->file) != size)
        sink->file_failed = true;
    if (sink->buffer && sink->length < sink->room) {
        size_t left = sink->room - sink->length;
        memcpy(sink->buffer + sink->length, text, size < left ? size : left);
    }
    sink->length += size;
}

static void put_text(struct sink *sink, const char *text)
{
    put(sink, text, strlen(text));
}

__attribute__((format(printf, 2, 3))) static void put_format(struct sink *sink, const char *format,
                                                             ...)
{
    char text[128];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    put(sink, text, (size_t)n);
}

/* --- characters --- */

/* The letter after the backslash, or 0. */
static char escape_of(uint32_t c)
{
    static const char codes[] = "\b\t\n\v\f\r\033";
    static const char letters[] = "btnvfre";
    const char *at = c && c < 128 ? strchr(codes, (int)c) : NULL;

    return at ? letters[at - codes] : 0;
}

static void put_char(struct sink *sink, uint32_t c, char quote)
{
    char text[4] = { '\\', escape_of(c) };

    if (text[1]) {
        put(sink, text, 2);
    } else if (c == (uint32_t)quote || c == '\\') {
        text[1] = (char)c;
        put(sink, text, 2);
    } else if (c < 32 || (c >= 127 && c < 160)) {
        put_format(sink, "\\x{%X}", (unsigned)c);
    } else {
        size_t n = tr__utf8_write(text, c);
        put(sink, text, n);
    }
}

/* What Erlang takes for text in a list of integers. */
static bool is_printable_latin1(uint64_t c)
{
    return c < 128 ? (c >= 32 && c < 127) || escape_of((uint32_t)c) : c >= 160 && c < 256;
}

/* --- atoms --- */

static bool is_reserved(const char *text)
{
    static const char words[] =
        " after and andalso band begin bnot bor bsl bsr bxor case catch cond "
        "div end fun if let not of or orelse receive rem try when xor ";
    char word[16];
    int n = snprintf(word, sizeof(word), " %s ", text);

    return n < (int)sizeof(word) && strstr(words, word);
}

static bool is_atom_start(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 223 && c <= 255 && c != 247);
}

static bool is_atom_char(uint32_t c)
{
    return is_atom_start(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '@' || (c >= 192 && c <= 222 && c != 215);
}

static bool is_plain_atom(const char *text, size_t size)
{
    uint32_t c;
    size_t n = tr__utf8_read(text, size, &c);

    if (n == 0 || !is_atom_start(c) || strlen(text) != size || is_reserved(text))
        return false;
    for (size_t at = n; at < size; at += n) {
        n = tr__utf8_read(text + at, size - at, &c);
        if (!is_atom_char(c))
            return false;
    }
    return true;
}

static void put_atom(struct sink *sink, uint64_t w)
{
    size_t size, n;
    const char *text = tr_atom_name((tr_atom){ w }, &size);

    if (is_plain_atom(text, size)) {
        put(sink, text, size);
        return;
    }
    put(sink, "'", 1);
    for (size_t at = 0; at < size; at += n) {
        uint32_t c = 0;
        n = tr__utf8_read(text + at, size - at, &c);
        put_char(sink, c, '\'');
    }
    put(sink, "'", 1);
}

/* --- bitstrings --- */

enum text_kind { NO_TEXT, ASCII, UTF8 };

static enum text_kind text_kind(struct tr__bits bits)
{
    const char *text = (const char *)bits.data;
    size_t size = (size_t)(bits.nbits / 8), n;
    enum text_kind kind = ASCII;

    if (bits.nbits % 8 || size == 0)
        return NO_TEXT;
    for (size_t at = 0; at < size; at += n) {
        uint32_t c;
        n = tr__utf8_read(text + at, size - at, &c);
        if (n == 0 || (c < 256 && !is_printable_latin1(c)) || c == 0xfffe || c == 0xffff)
            return NO_TEXT;
        if (c >= 128)
            kind = UTF8;
    }
    return kind;
}

static void put_bytes(struct sink *sink, struct tr__bits bits)
{
    uint64_t whole = bits.nbits / 8;

    for (uint64_t i = 0; i < whole; i++)
        put_format(sink, i ? ",%u" : "%u", bits.data[i]);
    if (bits.nbits % 8) {
        unsigned n = (unsigned)(bits.nbits % 8);
        put_format(sink, whole ? ",%u:%u" : "%u:%u", (unsigned)bits.data[whole] >> (8 - n), n);
    }
}

static void put_bits(struct sink *sink, uint64_t w)
{
    struct tr__bits bits = tr__bits(w);
    enum text_kind kind = text_kind(bits);
    size_t size = (size_t)(bits.nbits / 8), n;

    put(sink, "<<", 2);
    if (kind == NO_TEXT) {
        put_bytes(sink, bits);
    } else {
        put(sink, "\"", 1);
        for (size_t at = 0; at < size; at += n) {
            uint32_t c = 0;
            n = tr__utf8_read((const char *)bits.data + at, size - at, &c);
            put_char(sink, c, '"');
        }
        put_text(sink, kind == UTF8 ? "\"/utf8" : "\"");
    }
    put(sink, ">>", 2);
}

/* --- numbers and identifiers --- */

static bool put_big(struct sink *sink, uint64_t w)
{
    size_t limbs = TR__HEADER_N(*tr__box(w)), size = limbs * 8 + tr__big_text_max(w);
    uint64_t *scratch = tr__block_alloc(size);

    if (!scratch)
        return false;
    char *text = (char *)(scratch + limbs);
    put(sink, text, tr__big_text(w, text, scratch));
    tr__block_free(scratch, size);
    return true;
}

static void put_external(struct sink *sink, uint64_t w, const char *name)
{
    const uint64_t *box = tr__box(w);

    put_format(sink, "#%s<", name);
    put_atom(sink, box[1]);
    for (size_t i = 2; i <= TR__HEADER_N(*box); i++)
        put_format(sink, ".%" PRIu64, box[i]);
    put(sink, ">", 1);
}

static void put_immediate(struct sink *sink, uint64_t w)
{
    switch (w & 7) {
    case TR__TAG_SMALL:
        put_format(sink, "%" PRId64, TR__SMALL_V(w));
        return;
    case TR__TAG_PID:
        put_format(sink, "<0.%" PRIu32 ".%" PRIu64 ">", TR__PID_SLOT(w), TR__PID_GENERATION(w));
        return;
    case TR__TAG_OTHER:
        if (w == TR__NIL)
            put(sink, "[]", 2);
        else
            put_atom(sink, w);
        return;
    default:
        put_format(sink, "#Ref<0.%" PRIu32 ".%" PRIu64 ".%" PRIu64 ">", TR__REF_SLOT(w),
                   TR__REF_COUNTER(w) >> 32, TR__REF_COUNTER(w) & 0xffffffff);
        return;
    }
}

/* --- structures --- */

static bool push(struct print *p, struct frame frame)
{
    return tr__pending_push(&p->pending, &frame, sizeof(frame));
}

static bool is_string(uint64_t w)
{
    for (; tr__is_cons(w); w = tr__cons(w)[1]) {
        uint64_t head = tr__cons(w)[0];
        if (!tr__is_small(head) || !is_printable_latin1((uint64_t)TR__SMALL_V(head)))
            return false;
    }
    return w == TR__NIL;
}

static bool open_list(struct print *p, uint64_t w)
{
    if (!is_string(w)) {
        put(p->sink, "[", 1);
        return push(p, (struct frame){ .kind = LIST, .rest = w, .first = true });
    }
    put(p->sink, "\"", 1);
    for (; tr__is_cons(w); w = tr__cons(w)[1])
        put_char(p->sink, (uint32_t)TR__SMALL_V(tr__cons(w)[0]), '"');
    put(p->sink, "\"", 1);
    return true;
}

static bool open_row(struct print *p, const char *bracket, enum frame_kind kind, const uint64_t *at,
                     size_t n)
{
    put_text(p->sink, bracket);
    return push(p, (struct frame){ at, n, 0, kind, true, true });
}

static bool open_box(struct print *p, uint64_t w)
{
    const uint64_t *box = tr__box(w);
    size_t n = TR__HEADER_N(*box);
    char text[TR__FLOAT_TEXT_MAX];

    switch (TR__HEADER_KIND(*box)) {
    case TR__KIND_TUPLE:
        return open_row(p, "{", ROW, box + 1, n);
    case TR__KIND_FLATMAP:
        return open_row(p, "#{", PAIRS, box + 1, n);
    case TR__KIND_HASHMAP:
        return open_row(p, "#{", NODES, box + 2, 1);
    case TR__KIND_FLOAT:
        put(p->sink, text, tr__float_text(tr__float(w), text));
        return true;
    case TR__KIND_BIGPOS:
    case TR__KIND_BIGNEG:
        return put_big(p->sink, w);
    case TR__KIND_BINARY:
    case TR__KIND_COUNTED:
        put_bits(p->sink, w);
        return true;
    case TR__KIND_EXT_PID:
        put_external(p->sink, w, "Pid");
        return true;
    case TR__KIND_EXT_REF:
        put_external(p->sink, w, "Ref");
        return true;
    case TR__KIND_FUN:
        put_text(p->sink, "#Fun<external>");
        return true;
    default:
        put_text(p->sink, "#Port<external>");
        return true;
    }
}

/* Prints a leaf, or the opening of a container and pushes its frame; false when memory is short. */
static bool open_term(struct print *p, uint64_t w)
{
    if (w == 0) {
        put_text(p->sink, "#NoTerm");
        return true;
    }
    if (tr__is_immediate(w)) {
        put_immediate(p->sink, w);
        return true;
    }
    return tr__is_cons(w) ? open_list(p, w) : open_box(p, w);
}

static bool next_of_list(struct print *p, struct frame f)
{
    if (f.rest == 0 || f.rest == TR__NIL) {
        put(p->sink, "]", 1);
        return true;
    }
    uint64_t w = f.rest;
    if (tr__is_cons(w)) {
        w = tr__cons(w)[0];
        f.rest = tr__cons(f.rest)[1];
        if (!f.first)
            put(p->sink, ",", 1);
    } else {
        put(p->sink, "|", 1);
        f.rest = 0;
    }
    f.first = false;
    return push(p, f) && open_term(p, w);
}

static bool next_of_row(struct print *p, struct frame f)
{
    const char *before = f.kind == PAIRS && f.n % 2 ? " => " : f.first ? "" : ",";

    if (f.n == 0) {
        put_text(p->sink, f.close ? "}" : "");
        return true;
    }
    uint64_t w = *f.at++;
    f.n--;
    f.first = false;
    put_text(p->sink, before);
    return push(p, f) && open_term(p, w);
}

static bool next_of_nodes(struct print *p, struct frame f)
{
    bool first = f.first;

    if (f.n == 0) {
        put_text(p->sink, f.close ? "}" : "");
        return true;
    }
    uint64_t w = *f.at++;
    f.n--;
    f.first = false;
    if (!push(p, f))
        return false;
    if (tr__is_cons(w))
        return push(p, (struct frame){ tr__cons(w), 2, 0, PAIRS, first, false });
    const uint64_t *node = tr__box(w);
    size_t skip = TR__HEADER_KIND(*node) == TR__KIND_NODE;
    return push(
        p, (struct frame){ node + 1 + skip, TR__HEADER_N(*node) - skip, 0, NODES, first, false });
}

static bool print(struct sink *sink, tr_term term)
{
    struct print p;
    struct frame frame;

    p.sink = sink;
    tr__pending_init(&p.pending);
    bool ok = open_term(&p, term.w);
    while (ok && tr__pending_pop(&p.pending, &frame, sizeof(frame))) {
        if (frame.kind == LIST)
            ok = next_of_list(&p, frame);
        else if (frame.kind == NODES)
            ok = next_of_nodes(&p, frame);
        else
            ok = next_of_row(&p, frame);
    }
    tr__pending_free(&p.pending);
    return ok;
}

size_t tr_print_to(char *buffer, size_t size, tr_term term)
{
    TR__GUARD();
    struct sink sink = { .buffer = buffer, .room = size ? size - 1 : 0 };

    if (!print(&sink, term))
        tr__raise_oom();
    if (size)
        buffer[sink.length < sink.room ? sink.length : sink.room] = 0;
    return sink.length;
}

tr_err tr_print(FILE *file, tr_term term)
{
    TR__GUARD();
    struct sink sink = { .file = file };

    if (!print(&sink, term))
        return TR_ENOMEM;
    return sink.file_failed ? TR_ESYS : TR_OK;
}

char *tr_inspect(tr_term term)
{
    TR__GUARD();
    size_t size = tr_print_to(NULL, 0, term) + 1;
    char *text = (char *)tr__heap_alloc(tr__heap_current(), (size + 7) / 8);

    if (!text)
        tr__raise_oom();
    tr_print_to(text, size, term);
    return text;
}
