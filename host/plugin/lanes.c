/*
 * Lanes: threads that run plugins.
 *
 * A lane is a thread with a queue of calls, one after the other. The core posts calls and waits for
 * them in the order of posting. A call that outlasts its limit is abandoned: its instance counts as
 * hung, its thread is retired and left to end by itself, and a new thread takes over the lane and
 * what waits in it; calls of the hung instance among these fail without being made. The abandoned
 * call, and the thread, belong to nobody else from then on; what they still touch (the share, the
 * instance) stays in memory until they are gone: a hung instance that outlives its host is
 * destroyed by the thread that hung in it.
 *
 * One mutex guards all lanes: it is held for a few instructions at a time, never during a call.
 */
#include "plugin_int.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct worker {
    struct plugin_lane_share *share;
    struct plugin_thread_lane *lane; /* NULL once retired; under the mutex */
    pthread_t thread;
};

struct plugin_thread_lane {
    struct plugin_lane_share *share;
    pthread_cond_t work;
    struct plugin_call *first, *last;
    struct worker *worker; /* the thread that serves it */
    bool stop;
};

static void share_release(struct plugin_lane_share *share)
{
    (void)pthread_mutex_lock(&share->mutex);
    bool last = --share->references == 0;
    (void)pthread_mutex_unlock(&share->mutex);
    if (!last)
        return;
    (void)pthread_cond_destroy(&share->done);
    (void)pthread_mutex_destroy(&share->log_mutex);
    (void)pthread_mutex_destroy(&share->mutex);
    free(share);
}

/* Under the mutex: the next call of the lane that this worker still serves; NULL: end. */
static struct plugin_call *next_call(struct worker *worker)
{
    struct plugin_thread_lane *lane = worker->lane;
    while (lane->first == NULL && !lane->stop)
        (void)pthread_cond_wait(&lane->work, &worker->share->mutex);
    struct plugin_call *call = lane->first;
    if (lane->stop)
        return NULL;
    lane->first = call->next;
    if (lane->first == NULL)
        lane->last = NULL;
    call->began_at = tg_clock_monotonic(&worker->share->real_clock);
    return call;
}

/*
 * Under the mutex. A second call would come into the instance while the first still goes on. It is
 * done at once: were it ever going on, it could be abandoned in its turn, and its end taken for the
 * end of the first.
 */
static void refuse_hung(struct plugin_call *call)
{
    call->code = TG_E_STATE;
    call->ended_at = call->began_at;
    (void)snprintf(call->failure.message, sizeof(call->failure.message),
                   "still hangs in an earlier call");
}

static void free_call(struct plugin_call *call)
{
    free(call->copy);
    free(call);
}

/*
 * Under the mutex; unlocks it. A call comes back that was abandoned: nobody waits for it any more.
 * Its instance may be called again, or, where the host is gone, ends here.
 */
static void come_back(struct plugin_lane_share *share, struct plugin_call *call)
{
    struct plugin_instance *instance = call->instance;
    bool orphaned = instance->orphaned;
    if (!orphaned)
        atomic_store_explicit(&instance->hung, false, memory_order_release);
    (void)pthread_mutex_unlock(&share->mutex);
    if (orphaned)
        plugin__instance_free(instance);
    free_call(call);
    share_release(share);
}

/* Lets the mutex go meanwhile. */
static void make_call(struct plugin_lane_share *share, struct plugin_call *call)
{
    call->state = PLUGIN_CALL_GOING_ON;
    (void)pthread_cond_broadcast(&share->done); /* its time begins to count now */
    (void)pthread_mutex_unlock(&share->mutex);
    plugin__invoke(call, &share->real_clock);
    (void)pthread_mutex_lock(&share->mutex);
}

static void *serve(void *argument)
{
    struct worker *worker = argument;
    struct plugin_lane_share *share = worker->share;
    struct plugin_call *call;
    (void)pthread_mutex_lock(&share->mutex);
    while ((call = next_call(worker)) != NULL) {
        if (atomic_load_explicit(&call->instance->hung, memory_order_relaxed)) {
            refuse_hung(call);
        } else {
            make_call(share, call);
            if (worker->lane == NULL) {
                come_back(share, call);
                free(worker);
                return NULL;
            }
        }
        call->state = PLUGIN_CALL_DONE;
        (void)pthread_cond_broadcast(&share->done);
        if (share->wake == NULL)
            continue;
        (void)pthread_mutex_unlock(&share->mutex);
        share->wake(share->wake_context);
        (void)pthread_mutex_lock(&share->mutex);
    }
    (void)pthread_mutex_unlock(&share->mutex);
    share_release(share);
    return NULL;
}

/* Signals are the core thread's business. */
static int start_thread(struct worker *worker)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&worker->thread, NULL, serve, worker);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* Under the mutex. */
static int start_worker(struct plugin_thread_lane *lane)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL)
        return ENOMEM;
    worker->share = lane->share;
    worker->lane = lane;
    lane->share->references++;
    lane->worker = worker;
    int code = start_thread(worker);
    if (code != 0) {
        lane->share->references--;
        lane->worker = NULL;
        free(worker);
    }
    return code;
}

static struct plugin_lane_share *make_share(const struct plugin_host *host)
{
    pthread_condattr_t monotonic;
    struct plugin_lane_share *share = calloc(1, sizeof(*share));
    if (share == NULL)
        return NULL;
    share->references = 1;
    share->real_clock = host->options.real_clock;
    share->wake = host->options.wake;
    share->wake_context = host->options.wake_context;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    share->log = host->options.log;
    (void)pthread_mutex_init(&share->mutex, NULL);
    (void)pthread_mutex_init(&share->log_mutex, NULL);
    (void)pthread_cond_init(&share->done, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    return share;
}

static int add_lane(struct plugin_host *host, struct tg_error *error)
{
    if (host->lane_count == PLUGIN_LANES_MAX)
        return TG_FAIL(error, FULL, "more than %u lanes", PLUGIN_LANES_MAX);
    if (host->share == NULL)
        host->share = make_share(host);
    struct plugin_thread_lane *lane = calloc(1, sizeof(*lane));
    if (lane == NULL || host->share == NULL) {
        free(lane);
        return TG_FAIL(error, NO_MEMORY, "out of memory for a lane");
    }
    lane->share = host->share;
    (void)pthread_cond_init(&lane->work, NULL);
    (void)pthread_mutex_lock(&host->share->mutex);
    int code = start_worker(lane);
    (void)pthread_mutex_unlock(&host->share->mutex);
    if (code != 0) {
        (void)pthread_cond_destroy(&lane->work);
        free(lane);
        return TG_FAIL(error, FAILED, "a lane's thread could not be started: %s", strerror(code));
    }
    host->lanes[host->lane_count++] = lane;
    return 0;
}

int plugin__lane_for(struct plugin_host *host, struct plugin_thread_lane **lane,
                     struct tg_error *error)
{
    if (host->options.lanes == 0 || host->lane_count < host->options.lanes) {
        int code = add_lane(host, error);
        if (code != 0)
            return code;
        *lane = host->lanes[host->lane_count - 1];
        return 0;
    }
    *lane = host->lanes[host->lane_next++ % host->lane_count];
    return 0;
}

void plugin__lane_post(struct plugin_thread_lane *lane, struct plugin_call *call)
{
    (void)pthread_mutex_lock(&lane->share->mutex);
    call->state = PLUGIN_CALL_WAITING;
    call->share = lane->share;
    call->next = NULL;
    if (lane->worker == NULL)
        (void)start_worker(lane); /* there was none to be had when one was lost; perhaps now */
    if (lane->last != NULL)
        lane->last->next = call;
    else
        lane->first = call;
    lane->last = call;
    (void)pthread_cond_signal(&lane->work);
    (void)pthread_mutex_unlock(&lane->share->mutex);
}

/* Under the mutex, of a call that goes on: when it has had its time. */
static int64_t end_of(const struct plugin_host *host, const struct plugin_call *call)
{
    int64_t end =
        call->limit_ns < INT64_MAX - call->began_at ? call->began_at + call->limit_ns : INT64_MAX;
    return host->stop_at != 0 && host->stop_at < end ? host->stop_at : end;
}

/* Under the mutex, of a call that waits: no thread could be had for its lane. */
static bool never_begins(const struct plugin_call *call)
{
    return call->state == PLUGIN_CALL_WAITING && call->instance->lane->worker == NULL;
}

/* Under the mutex. What waits longest anywhere is the first in its lane. */
static void give_up_first(struct plugin_thread_lane *lane)
{
    struct plugin_call *call = lane->first;
    lane->first = call->next;
    if (lane->first == NULL)
        lane->last = NULL;
    free_call(call);
}

bool plugin__lane_is_over(struct plugin_host *host, struct plugin_call *call)
{
    (void)pthread_mutex_lock(&host->share->mutex);
    bool over = call->state == PLUGIN_CALL_DONE || never_begins(call) ||
                (call->state == PLUGIN_CALL_GOING_ON &&
                 tg_clock_monotonic(&host->share->real_clock) >= end_of(host, call));
    (void)pthread_mutex_unlock(&host->share->mutex);
    return over;
}

bool plugin__lane_orphan(struct plugin_host *host, struct plugin_instance *instance)
{
    (void)pthread_mutex_lock(&host->share->mutex);
    instance->orphaned = atomic_load_explicit(&instance->hung, memory_order_relaxed);
    bool orphaned = instance->orphaned;
    (void)pthread_mutex_unlock(&host->share->mutex);
    return orphaned;
}

/* Under the mutex: the thread keeps the call; a new one serves the lane. */
static void abandon(struct plugin_host *host, struct plugin_call *call)
{
    struct plugin_thread_lane *lane = call->instance->lane;
    struct worker *hung = lane->worker;
    atomic_store_explicit(&call->abandoned, true, memory_order_relaxed);
    atomic_store_explicit(&call->instance->hung, true, memory_order_release);
    (void)pthread_detach(hung->thread);
    hung->lane = NULL;
    if (start_worker(lane) != 0)
        OBS_ERROR(host->options.log, "plugin", "no new thread for the lane of %s: its runs wait",
                  call->instance->name);
}

/* Waits on the condition, until `until` on the monotonic clock where that is not 0. */
static void wait_done(struct plugin_lane_share *share, int64_t until)
{
    if (until == 0) {
        (void)pthread_cond_wait(&share->done, &share->mutex);
        return;
    }
    struct timespec at = {.tv_sec = (time_t)(until / TG_NS_PER_SEC),
                          .tv_nsec = (long)(until % TG_NS_PER_SEC)};
    (void)pthread_cond_timedwait(&share->done, &share->mutex, &at);
}

bool plugin__lane_wait(struct plugin_host *host, struct plugin_call *call)
{
    struct plugin_lane_share *share = host->share;
    bool kept = true;
    (void)pthread_mutex_lock(&share->mutex);
    while (call->state != PLUGIN_CALL_DONE) {
        int64_t until = 0;
        if (call->state == PLUGIN_CALL_GOING_ON) {
            until = end_of(host, call);
            if (tg_clock_monotonic(&share->real_clock) >= until) {
                abandon(host, call);
                kept = false;
                break;
            }
        } else if (never_begins(call)) {
            give_up_first(call->instance->lane);
            kept = false;
            break;
        }
        wait_done(share, until);
    }
    (void)pthread_mutex_unlock(&share->mutex);
    return kept;
}

void plugin__lanes_stop(struct plugin_host *host)
{
    for (size_t i = 0; i < host->lane_count; i++) {
        struct plugin_thread_lane *lane = host->lanes[i];
        (void)pthread_mutex_lock(&host->share->mutex);
        lane->stop = true;
        (void)pthread_cond_broadcast(&lane->work);
        struct worker *worker = lane->worker;
        (void)pthread_mutex_unlock(&host->share->mutex);
        if (worker != NULL) {
            (void)pthread_join(worker->thread, NULL);
            free(worker);
        }
        for (struct plugin_call *call = lane->first; call != NULL;) {
            struct plugin_call *next = call->next;
            free_call(call);
            call = next;
        }
        (void)pthread_cond_destroy(&lane->work);
        free(lane);
    }
    host->lane_count = 0;
    if (host->share == NULL)
        return;
    (void)pthread_mutex_lock(&host->share->log_mutex);
    host->share->log = NULL;
    (void)pthread_mutex_unlock(&host->share->log_mutex);
    share_release(host->share);
    host->share = NULL;
}
