/* SPDX-License-Identifier: MIT */
/*
 * The driver: a server that owns a multi handle of libcurl and all transfers in it.
 *
 * libcurl says which descriptors it wants to be told of; they are put into an epoll set. A second
 * process, the watcher, waits until that set has something, tells the driver, and waits until the
 * driver has looked. So the driver waits for one thing only, messages, with libcurl's next time as
 * its timeout. libcurl's callbacks call nothing of the library: they note which transfers have
 * changed, and the driver tells their clients once libcurl has returned.
 *
 * What the driver owns is released by a function that runs however the driver ends.
 */
#define _GNU_SOURCE
#include "kit/http/http.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <time.h>

tr_atoms(request, read, close, watch, ready, ok, error, closed, out_of_memory, curl_multi, epoll,
         DOWN, process, no_driver);

#define NBUCKETS 1024 /* of transfers; a power of two */
#define NEVENTS  256  /* that are taken at once */

/* Room for a handshake of TLS; address space only. */
#define STACK ((size_t)1024 * 1024)

struct driver {
    CURLM *multi;
    int set; /* the epoll set; -1: none */
    tr_pid watcher;
    int64_t due; /* when libcurl wants to be called; -1: not */
    struct tr__http_transfer *changed;
    struct tr__http_transfer *buckets[NBUCKETS]; /* all transfers by their reference */
};

/* The state of the server. What it points to is there until after `release`. */
struct state {
    struct driver *d;
};

/* --- transfers by reference --- */

static struct tr__http_transfer **place_of(struct driver *d, tr_ref ref)
{
    tr_term term = { ref.w };
    struct tr__http_transfer **at = &d->buckets[tr_hash(term) & (NBUCKETS - 1)];

    while (*at && (*at)->ref.w != ref.w)
        at = &(*at)->next_in_bucket;
    return at;
}

static void drop(struct driver *d, struct tr__http_transfer *t)
{
    *place_of(d, t->ref) = t->next_in_bucket;
    tr_demonitor(t->ref);
    curl_multi_remove_handle(d->multi, t->easy);
    tr_release(t->body);
    if (t->client.w)
        tr_release(t->client);
    tr__http_transfer_free(t);
}

/* --- called by libcurl --- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *driver, void *known)
{
    struct driver *d = driver;
    struct epoll_event event = { .data.fd = fd };

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(d->set, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (known ? epoll_ctl(d->set, EPOLL_CTL_MOD, fd, &event)
              : epoll_ctl(d->set, EPOLL_CTL_ADD, fd, &event))
        return -1;
    curl_multi_assign(d->multi, fd, d);
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static int on_timer(CURLM *multi, long ms, void *driver)
{
    struct driver *d = driver;

    (void)multi;
    d->due = ms < 0 ? -1 : now_ms() + ms;
    return 0;
}

/* --- answers --- */

static void answer(struct tr__http_transfer *t, tr_term reply)
{
    tr_term client = t->client;

    t->client.w = 0;
    tr_reply(client, reply);
    tr_release(client);
}

static void answer_error(struct tr__http_transfer *t)
{
    tr_term reason;
    tr_err err = tr__http_reason(t, &reason);

    answer(t, tr_build(a_error, (int)err, reason));
}

/* The body, or none yet for a stream. */
static void answer_response(struct tr__http_transfer *t)
{
    long status = 0;
    const char *url = "";
    tr_bin head = { t->head.data, t->head.size };

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    tr_term body = t->stream ? tr_build(t->ref) : tr_binary(t->got.data, t->got.size);
    answer(t, tr_build(a_ok, (int)status, head, url, body));
}

/* Hands out what has come of a stream; the window is open again. */
static void answer_piece(struct tr__http_transfer *t)
{
    size_t size = t->got.size;

    t->got.size = 0;
    answer(t, tr_build(a_ok, tr_binary(t->got.data, size)));
    if (t->is_paused && !t->has_ended) {
        t->is_paused = false;
        curl_easy_pause(t->easy, CURLPAUSE_CONT);
    }
}

static void tell_stream(struct driver *d, struct tr__http_transfer *t)
{
    if (!t->client.w)
        return;
    if (!t->has_opened && t->has_head) {
        t->has_opened = true;
        answer_response(t);
    } else if (t->got.size) {
        answer_piece(t);
    } else if (t->has_ended) {
        if (t->code == CURLE_OK)
            answer_piece(t);
        else
            answer_error(t);
        drop(d, t);
    }
}

static void tell(struct driver *d, struct tr__http_transfer *t)
{
    if (t->stream) {
        tell_stream(d, t);
    } else if (t->has_ended) {
        if (t->code == CURLE_OK)
            answer_response(t);
        else
            answer_error(t);
        drop(d, t);
    }
}

/* --- driving --- */

static void check(CURLMcode code)
{
    if (code == CURLM_OUT_OF_MEMORY)
        tr_exit(a_out_of_memory);
    if (code != CURLM_OK)
        tr_exit(a_curl_multi, curl_multi_strerror(code));
}

static void take_ends(struct driver *d)
{
    int left;

    for (CURLMsg *m; (m = curl_multi_info_read(d->multi, &left));) {
        struct tr__http_transfer *t = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        t->has_ended = true;
        t->code = m->data.result;
        /* Its connection is free for another one. */
        curl_multi_remove_handle(d->multi, t->easy);
        tr__http_transfer_changed(t);
    }
}

/* What follows each call of libcurl: tells clients what has changed. */
static void tell_all(struct driver *d)
{
    take_ends(d);
    for (struct tr__http_transfer *t; (t = d->changed);) {
        d->changed = t->next_changed;
        t->is_changed = false;
        tr_scope
        {
            tell(d, t);
        }
    }
}

/* The end of each callback: what is due is done, and a timeout set for the next. */
static tr_gen_result go_on(struct driver *d)
{
    int running;

    if (d->due >= 0 && now_ms() >= d->due) {
        d->due = -1;
        check(curl_multi_socket_action(d->multi, CURL_SOCKET_TIMEOUT, 0, &running));
    }
    tell_all(d);
    if (d->due < 0)
        return tr_gen_noreply();
    int64_t left = d->due - now_ms();
    return tr_gen_timeout(left > 0 ? left : 0, tr_gen_noreply());
}

static void on_events(struct driver *d)
{
    struct epoll_event events[NEVENTS];
    int running, n;

    n = epoll_wait(d->set, events, NEVENTS, 0);
    for (int i = 0; i < n; i++) {
        int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        check(curl_multi_socket_action(d->multi, events[i].data.fd, what, &running));
    }
}

/* Tells the driver that the set has something, and waits until it has looked. */
static void watcher(tr_term arg)
{
    tr_pid driver;
    int set;

    if (!tr_match(arg, &driver, &set))
        tr_error(a_epoll);
    while (tr_wait_fd(set, TR_FD_READ, TR_INFINITY) == TR_OK) {
        tr_send(driver, a_ready);
        tr_receive (m)
            tr_on (m, a_watch) {
            }
    }
}

/* --- requests --- */

static bool parse(tr_term term, struct tr__http_request *r, tr_term *body)
{
    tr_term limits, texts;
    tr_bin ca_file, proxy;

    if (!tr_match(term, a_request, &r->url, &r->method, &r->headers, body, &limits, &texts,
                  &r->stream, &r->insecure) ||
        !tr_match(limits, &r->timeout_ms, &r->connect_timeout_ms, &r->stall_timeout_ms,
                  &r->max_body, &r->max_headers, &r->max_redirects) ||
        !tr_binary_get(*body, &r->body))
        return false;
    /* Those that are not given are atoms. */
    r->ca_file = tr_match(texts, &ca_file, tr_any()) ? ca_file.data : NULL;
    r->proxy = tr_match(texts, tr_any(), &proxy) ? proxy.data : NULL;
    return true;
}

/* A transfer for which there is no memory takes no other along. */
static void begin(struct driver *d, struct tr__http_transfer *t)
{
    CURLMcode code = curl_multi_add_handle(d->multi, t->easy);

    if (code != CURLM_OUT_OF_MEMORY) {
        check(code);
        return;
    }
    t->has_ended = true;
    t->code = CURLE_OUT_OF_MEMORY;
    tr__http_transfer_changed(t);
}

static tr_gen_result start(struct driver *d, tr_term term, tr_term from)
{
    struct tr__http_request r = { 0 };
    tr_term body;
    tr_pid client;

    if (!parse(term, &r, &body) || !tr_match(from, &client, tr_any()))
        return tr_gen_unknown();
    /* What may end the driver comes first: a transfer is freed only once it has its place. */
    body = tr_keep(body);
    tr_binary_get(body, &r.body);
    tr_term waiting = tr_keep(from);
    tr_ref ref = tr_monitor(client);
    struct tr__http_transfer *t = tr__http_transfer_new(&r, &d->changed);
    if (t) {
        t->body = body;
        t->client = waiting;
        t->ref = ref;
        *place_of(d, ref) = t;
        begin(d, t);
        return go_on(d);
    }
    tr_demonitor(ref);
    tr_release(body);
    tr_release(waiting);
    tr_reply(from, a_error, (int)TR_ENOMEM, a_out_of_memory);
    return go_on(d);
}

static tr_gen_result read_piece(struct driver *d, tr_ref ref, tr_term from)
{
    struct tr__http_transfer *t = *place_of(d, ref);

    if (!t || t->client.w) {
        tr_reply(from, a_error, (int)TR_ECLOSED, a_closed);
        return go_on(d);
    }
    t->client = tr_keep(from);
    tr__http_transfer_changed(t);
    return go_on(d);
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct driver *d = ((struct state *)state)->d;
    tr_ref ref;

    if (tr_match(request, a_read, &ref))
        return read_piece(d, ref, from);
    return start(d, request, from);
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    struct driver *d = ((struct state *)state)->d;
    tr_ref ref;

    if (!tr_match(request, a_close, &ref))
        return tr_gen_unknown();
    if (*place_of(d, ref))
        drop(d, *place_of(d, ref));
    return go_on(d);
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    struct driver *d = ((struct state *)state)->d;
    tr_ref ref;

    if (tr_match(message, a_ready)) {
        on_events(d);
        tr_send(d->watcher, a_watch);
    } else if (tr_match(message, a_DOWN, &ref, a_process, tr_any(), tr_any())) {
        if (*place_of(d, ref))
            drop(d, *place_of(d, ref));
    }
    return go_on(d);
}

/* --- start and end --- */

static void release(void *driver)
{
    struct driver *d = driver;

    for (size_t i = 0; i < NBUCKETS; i++)
        for (struct tr__http_transfer *t, *next = d->buckets[i]; (t = next);) {
            next = t->next_in_bucket;
            curl_multi_remove_handle(d->multi, t->easy);
            tr__http_transfer_free(t);
        }
    curl_multi_cleanup(d->multi);
    if (d->set >= 0)
        tr_close_fd(d->set);
}

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool set_up(struct driver *d, tr_term arg)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int max_connections, max_per_host, max_idle;

    if (!tr_match(arg, &max_connections, &max_per_host, &max_idle))
        return false;
    pthread_once(&once, init_curl);
    d->set = epoll_create1(EPOLL_CLOEXEC);
    d->multi = curl_multi_init();
    if (!d->multi || d->set < 0)
        return false;
    curl_multi_setopt(d->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(d->multi, CURLMOPT_SOCKETDATA, d);
    curl_multi_setopt(d->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(d->multi, CURLMOPT_TIMERDATA, d);
    curl_multi_setopt(d->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)max_connections);
    curl_multi_setopt(d->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)max_per_host);
    curl_multi_setopt(d->multi, CURLMOPT_MAXCONNECTS, (long)max_idle);
    return true;
}

static tr_gen_result init(void *state, tr_term arg)
{
    struct driver *d = tr_alloc(sizeof *d);

    d->due = -1;
    d->set = -1;
    tr_defer(release, d);
    if (!set_up(d, arg))
        return tr_gen_stop(a_no_driver);
    ((struct state *)state)->d = d;
    d->watcher = tr_spawn_link(watcher, tr_self(), d->set);
    return tr_gen_ok();
}

/* The memory is of no use to anybody else. */
static tr_term get_state(const void *state)
{
    const struct driver *d = ((const struct state *)state)->d;
    int64_t n = 0;

    for (size_t i = 0; i < NBUCKETS; i++)
        for (const struct tr__http_transfer *t = d->buckets[i]; t; t = t->next_in_bucket)
            n++;
    return tr_build(n);
}

static const struct tr_gen_server driver = { .name = "http_driver",
                                             .state_size = sizeof(struct state),
                                             .init = init,
                                             .handle_call = handle_call,
                                             .handle_cast = handle_cast,
                                             .handle_info = handle_info,
                                             .get_state = get_state };

tr_term tr__http_driver(tr_term arg)
{
    return tr_gen_server_start_link(&driver, TR_GEN_SERVER_OPTS(.spawn.stack_size = STACK), arg);
}
