/* SPDX-License-Identifier: ISC */
/* A manager is what the library changes with every packet, so each scratch has one of its own. A key slot is the key itself. */
#include <vpn/provider/ipsec_mb.h>

#include <string.h>

#include <intel-ipsec-mb.h>

#define BURST      64u         /* jobs that are handed over at once */
#define LENGTH_MAX 0x7fffffffu /* of a text or its associated data; the manager takes somewhat more */

struct scratch {
    IMB_MGR *manager;
    uint8_t tags[BURST][VPN_TAG_BYTES]; /* what opening computed */
};

static int init_key(void *slot, const uint8_t key[VPN_KEY_BYTES])
{
    memcpy(slot, key, VPN_KEY_BYTES);
    return VPN_OK;
}

static IMB_MGR *manager_new(void)
{
    IMB_MGR *manager = alloc_mb_mgr(0);
    IMB_ARCH arch = IMB_ARCH_NONE;

    if (manager == NULL)
        return NULL;
    init_mb_mgr_auto(manager, &arch);
    if (arch != IMB_ARCH_NONE && imb_get_errno(manager) == 0)
        return manager;
    free_mb_mgr(manager);
    return NULL;
}

static int init_scratch(void *memory)
{
    struct scratch *scratch = memory;

    scratch->manager = manager_new();
    return scratch->manager != NULL ? VPN_OK : VPN_ENOMEM;
}

static void end_scratch(void *memory)
{
    struct scratch *scratch = memory;

    vpn_wipe(scratch->manager, imb_get_mb_mgr_size());
    free_mb_mgr(scratch->manager);
    scratch->manager = NULL;
}

static void fill(IMB_JOB *out, vpn_aead_job *job, IMB_CIPHER_DIRECTION direction, uint8_t *tag)
{
    out->enc_keys = job->key;
    out->dec_keys = job->key;
    out->key_len_in_bytes = VPN_KEY_BYTES;
    out->src = job->data;
    out->dst = job->data;
    out->cipher_start_src_offset_in_bytes = 0;
    out->msg_len_to_cipher_in_bytes = job->length;
    out->hash_start_src_offset_in_bytes = 0;
    out->msg_len_to_hash_in_bytes = job->length;
    out->iv = job->nonce;
    out->iv_len_in_bytes = VPN_NONCE_BYTES;
    out->auth_tag_output = tag;
    out->auth_tag_output_len_in_bytes = VPN_TAG_BYTES;
    out->u.CHACHA20_POLY1305.aad = job->ad;
    out->u.CHACHA20_POLY1305.aad_len_in_bytes = job->ad_length;
    out->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    out->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    out->cipher_direction = direction;
    out->chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    out->user_data = job;
}

/* Jobs that wait to be handed over together. */
struct waiting {
    vpn_aead_job *jobs[BURST];
    uint32_t count;
};

/* Marks each job that came back and was computed. */
static void collect(IMB_JOB **jobs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        vpn_aead_job *job = jobs[i]->user_data;

        job->done = jobs[i]->status == IMB_STATUS_COMPLETED;
    }
}

static void burst(struct scratch *scratch, struct waiting *waiting, IMB_CIPHER_DIRECTION direction)
{
    IMB_JOB *slots[BURST];
    uint32_t given = 0;

    while (given < waiting->count) {
        uint32_t room = IMB_GET_NEXT_BURST(scratch->manager, waiting->count - given, slots);

        for (uint32_t i = 0; i < room && given + i < waiting->count; i++) {
            vpn_aead_job *job = waiting->jobs[given + i];

            fill(slots[i], job, direction,
                 direction == IMB_DIR_ENCRYPT ? job->data + job->length : scratch->tags[given + i]);
        }
        if (room != 0)
            collect(slots, IMB_SUBMIT_BURST(scratch->manager, room, slots));
        given += room;
        collect(slots, IMB_FLUSH_BURST(scratch->manager, BURST, slots));
    }
}

/* The manager refuses a whole burst for one job that it cannot take: those go to the reference. */
static int fits(const vpn_aead_job *job)
{
    return job->length != 0 && job->length <= LENGTH_MAX && job->ad_length <= LENGTH_MAX;
}

/* An opened text counts only when its tag is right; else nobody sees it. */
static void verify(struct scratch *scratch, struct waiting *waiting)
{
    for (uint32_t i = 0; i < waiting->count; i++) {
        vpn_aead_job *job = waiting->jobs[i];

        job->done = (uint32_t)job->done & (uint32_t)vpn_equal(scratch->tags[i], job->data + job->length, VPN_TAG_BYTES);
        if (!job->done)
            memset(job->data, 0, job->length);
    }
}

static void hand_over(struct scratch *scratch, struct waiting *waiting, IMB_CIPHER_DIRECTION direction)
{
    burst(scratch, waiting, direction);
    if (direction == IMB_DIR_DECRYPT)
        verify(scratch, waiting);
    waiting->count = 0;
}

static size_t run(struct scratch *scratch, vpn_aead_job *jobs, size_t n, IMB_CIPHER_DIRECTION direction)
{
    const vpn_provider *reference = vpn_provider_sodium();
    struct waiting waiting = {.count = 0};
    size_t done = 0;

    for (size_t i = 0; i < n; i++) {
        jobs[i].done = 0;
        if (!fits(&jobs[i]))
            (void)(direction == IMB_DIR_ENCRYPT ? reference->seal : reference->open)(NULL, &jobs[i], 1);
        else
            waiting.jobs[waiting.count++] = &jobs[i];
        if (waiting.count == BURST)
            hand_over(scratch, &waiting, direction);
    }
    if (waiting.count != 0)
        hand_over(scratch, &waiting, direction);
    for (size_t i = 0; i < n; i++)
        done += jobs[i].done;
    return done;
}

static size_t seal(void *scratch, vpn_aead_job *jobs, size_t n)
{
    return run(scratch, jobs, n, IMB_DIR_ENCRYPT);
}

static size_t open(void *scratch, vpn_aead_job *jobs, size_t n)
{
    return run(scratch, jobs, n, IMB_DIR_DECRYPT);
}

static const vpn_provider provider = {
    .size = sizeof(vpn_provider),
    .key_size = VPN_KEY_BYTES,
    .scratch_size = sizeof(struct scratch),
    .name = "ipsec-mb",
    .init_key = init_key,
    .init_scratch = init_scratch,
    .end_scratch = end_scratch,
    .seal = seal,
    .open = open,
};

const vpn_provider *vpn_provider_ipsec_mb(void)
{
    IMB_MGR *manager = manager_new();

    if (manager == NULL)
        return NULL;
    free_mb_mgr(manager);
    return &provider;
}
