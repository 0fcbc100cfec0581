/* SPDX-License-Identifier: MIT */
/*
 * Terms from text, without recursion: however deep the text is nested, the C stack stays flat.
 *
 * Two stacks: the containers that are open, and the values read so far. A container that closes
 * takes its values off the second stack and puts itself there. Nothing here raises for bad text;
 * when anything fails, the heap goes back to where it was.
 */
#include "mem/block.h"
#include "mem/heap.h"
#include "os/tls.h"
#include "term/lex.h"
#include "term/map.h"
#include "term/pending.h"

enum open_kind { TUPLE, LIST, LIST_TAIL, MAP_KEY, MAP_VALUE };

/* Invariant: first is the number of values below this container's own. */
struct open {
    enum open_kind kind;
    size_t first;
};

struct parse {
    struct tr__text text;
    struct tr__pending open;
    struct tr__pending values; /* words */
};

static size_t nvalues(const struct parse *p)
{
    return p->values.used / sizeof(uint64_t);
}

static const uint64_t *values_from(const struct parse *p, size_t first)
{
    return (const uint64_t *)(const void *)p->values.base + first;
}

static tr_err push_value(struct parse *p, uint64_t w)
{
    return tr__pending_push(&p->values, &w, sizeof(w)) ? TR_OK : TR_ENOMEM;
}

static tr_err push_open(struct parse *p, enum open_kind kind)
{
    struct open open = { kind, nvalues(p) };

    return tr__pending_push(&p->open, &open, sizeof(open)) ? TR_OK : TR_ENOMEM;
}

static struct open *top(struct parse *p)
{
    return (struct open *)(void *)(p->open.base + p->open.used - sizeof(struct open));
}

/* --- closing: n values become one; 0 when memory is short --- */

static uint64_t make_tuple(const uint64_t *values, size_t n)
{
    uint64_t *words = tr__heap_alloc(tr__heap_current(), 1 + n);

    if (!words)
        return 0;
    words[0] = TR__HEADER(TR__KIND_TUPLE, n);
    memcpy(words + 1, values, n * sizeof(uint64_t));
    return tr__box_w(words);
}

static uint64_t make_list(const uint64_t *values, size_t n, uint64_t tail)
{
    if (n == 0)
        return tail;
    uint64_t *words = tr__heap_alloc(tr__heap_current(), 2 * n);
    if (!words)
        return 0;
    for (size_t i = 0; i < n; i++) {
        words[2 * i] = values[i];
        words[2 * i + 1] = i + 1 < n ? tr__cons_w(words + 2 * i + 2) : tail;
    }
    return tr__cons_w(words);
}

static uint64_t make_map(const uint64_t *values, size_t n)
{
    size_t size = n * sizeof(struct tr__pair);
    struct tr__pair few[TR__MAP_FLAT_MAX];
    struct tr__pair *pairs = n <= TR__MAP_FLAT_MAX ? few : tr__block_alloc(size);

    if (!pairs)
        return 0;
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct tr__pair){ 0, values[2 * i], values[2 * i + 1], i };
    uint64_t map = tr__map_from_pairs(pairs, n);
    if (pairs != few)
        tr__block_free(pairs, size);
    return map;
}

static tr_err close_top(struct parse *p)
{
    struct open open;
    uint64_t w;

    (void)tr__pending_pop(&p->open, &open, sizeof(open));
    const uint64_t *values = values_from(p, open.first);
    size_t n = nvalues(p) - open.first;
    switch (open.kind) {
    case TUPLE:
        w = make_tuple(values, n);
        break;
    case LIST:
        w = make_list(values, n, TR__NIL);
        break;
    case LIST_TAIL:
        w = make_list(values, n - 1, values[n - 1]);
        break;
    default:
        w = make_map(values, n / 2);
        break;
    }
    p->values.used = open.first * sizeof(uint64_t);
    return w ? push_value(p, w) : TR_ENOMEM;
}

/* --- values --- */

/* After "<": a local pid. After "#Ref<": a local reference. */
static tr_err read_numbers(struct parse *p, uint64_t *numbers, int n)
{
    for (int i = 0; i < n; i++) {
        tr_err err = tr__read_decimal(&p->text, &numbers[i]);
        if (err)
            return err;
        if (!tr__accept(&p->text, i + 1 < n ? "." : ">"))
            return TR_ESYNTAX;
    }
    return numbers[0] == 0 ? TR_OK : TR_ESYNTAX;
}

static tr_err read_pid(struct parse *p)
{
    uint64_t part[3];
    tr_err err = read_numbers(p, part, 3);

    if (err)
        return err;
    if (part[1] >> 24 || part[2] >> 37)
        return TR_ELIMIT;
    return push_value(p, TR__PID_W(part[1], part[2]));
}

static tr_err read_ref(struct parse *p)
{
    uint64_t part[4];
    tr_err err = read_numbers(p, part, 4);

    if (err)
        return err;
    if (part[1] >> 24 || part[2] >> 6 || part[3] >> 32)
        return TR_ELIMIT;
    return push_value(p, TR__REF_W(part[1], part[2] << 32 | part[3]));
}

/* After the quote: a list of characters. */
static tr_err read_string(struct parse *p)
{
    tr_err err = push_open(p, LIST);

    while (!err && !tr__accept(&p->text, "\"")) {
        uint32_t code;
        err = tr__read_char(&p->text, &code);
        if (!err)
            err = push_value(p, TR__SMALL_W(code));
    }
    return err ? err : close_top(p);
}

static tr_err read_scalar(struct parse *p)
{
    tr_term term;
    bool found;
    tr_err err = tr__read_atom(&p->text, &term, &found);

    if (!found)
        err = tr__read_number(&p->text, &term);
    return err ? err : push_value(p, term.w);
}

/* Opens a container; an empty one closes at once, and then *more is false. */
static tr_err read_open(struct parse *p, enum open_kind kind, const char *closing, bool *more)
{
    tr_err err = push_open(p, kind);

    if (err)
        return err;
    tr__skip_space(&p->text);
    *more = !tr__accept(&p->text, closing);
    return *more ? TR_OK : close_top(p);
}

/* One value, or the opening of a container: then *more says that a value must follow. */
static tr_err read_value(struct parse *p, bool *more)
{
    struct tr__text *text = &p->text;
    tr_term term;

    *more = false;
    if (tr__accept(text, "{"))
        return read_open(p, TUPLE, "}", more);
    if (tr__accept(text, "["))
        return read_open(p, LIST, "]", more);
    if (tr__accept(text, "#{"))
        return read_open(p, MAP_KEY, "}", more);
    if (tr__accept(text, "#Ref<"))
        return read_ref(p);
    if (tr__accept(text, "\""))
        return read_string(p);
    if (tr__accept(text, "<<")) {
        tr_err err = tr__read_bits(text, &term);
        return err ? err : push_value(p, term.w);
    }
    if (tr__accept(text, "<"))
        return read_pid(p);
    return read_scalar(p);
}

/* What follows a value inside a container: a separator (*more), or its closing bracket. */
static tr_err read_after(struct parse *p, bool *more)
{
    struct tr__text *text = &p->text;
    struct open *open = top(p);

    *more = true;
    if (open->kind == MAP_KEY) {
        open->kind = MAP_VALUE;
        return tr__accept(text, "=>") ? TR_OK : TR_ESYNTAX;
    }
    if (open->kind == LIST && tr__accept(text, "|")) {
        open->kind = LIST_TAIL;
        return TR_OK;
    }
    if (open->kind != LIST_TAIL && tr__accept(text, ",")) {
        if (open->kind == MAP_VALUE)
            open->kind = MAP_KEY;
        return TR_OK;
    }
    *more = false;
    bool list = open->kind == LIST || open->kind == LIST_TAIL;
    return tr__accept(text, list ? "]" : "}") ? close_top(p) : TR_ESYNTAX;
}

static tr_err parse(struct parse *p)
{
    bool more = true;
    tr_err err = TR_OK;

    while (!err && (more || p->open.used)) {
        tr__skip_space(&p->text);
        err = more ? read_value(p, &more) : read_after(p, &more);
    }
    if (err)
        return err;
    tr__skip_space(&p->text);
    if (tr__accept(&p->text, "."))
        tr__skip_space(&p->text);
    return p->text.at == p->text.end ? TR_OK : TR_ESYNTAX;
}

tr_err tr_parse(const char *text, size_t size, tr_term *term, size_t *error_at)
{
    TR__GUARD();
    struct tr_heap *heap = tr__heap_current();
    struct tr_heap_mark mark = tr__heap_mark(heap);
    struct parse p;

    p.text = (struct tr__text){ text, text + size };
    tr__pending_init(&p.open);
    tr__pending_init(&p.values);
    tr_err err = parse(&p);
    if (!err)
        term->w = *values_from(&p, 0);
    else if (error_at)
        *error_at = (size_t)(p.text.at - text);
    tr__pending_free(&p.open);
    tr__pending_free(&p.values);
    if (err)
        tr__heap_reset(heap, mark);
    return err;
}
