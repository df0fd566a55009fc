import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { epochSeconds } from '../platform/clock.js';
import { noteCall } from './apiLog.js';
import type { ApiDeps } from './deps.js';
import { escapeHtml } from './html.js';

// Bot checks without a puzzle, for every form of ours that the public fills in (screens.md 8, LED-29): a trap that no person sees, the time
// since the form was shown, and a little work that the browser does at the press of the button. All is judged here; nobody else is asked.

/** A field that no person sees: who fills it in is a machine. */
export const trapName = 'homepage';
const shownName = 'shownAt';
const workName = 'work';
/** What the checks post beside the form's own fields. */
export const botCheckNames: readonly string[] = [trapName, shownName, workName];

/** A form that is back sooner was filled in by a machine. Seconds. */
const fastestSeconds = 2;
/** Without a script there is no work to show: time stands in for it. A form that is back sooner is asked to be sent once more. */
const scriptlessSeconds = 10;
const oldestSeconds = 86_400;
/** 16,384 hashes on average: a twentieth of a second for a person, an hour of a core for 70,000 forms. */
const workBits = 14;

/** What speaks for a machine. */
export type BotFinding = 'trap_filled' | 'not_from_page' | 'too_fast' | 'too_old' | 'no_work';

type Signs = Pick<ApiDeps, 'secrets'>;
/** Which form; the time shown on one is worth nothing on the other. */
export type BotCheckedForm = 'application form' | 'lead form';

type Sent = Readonly<Record<string, string>>;

function shownSince(deps: Signs, form: BotCheckedForm, sent: Sent): number | undefined {
  const [at = '', signature = ''] = (sent[shownName] ?? '').split('.');
  if (!/^\d{1,12}$/.test(at) || !deps.secrets.isSignedBy(form, at, signature)) return undefined;
  return epochSeconds() - Number(at);
}

/** The work is for this form and this person: what was done for one does not carry a second. */
function isWorkDone(sent: Sent): boolean {
  const work = sent[workName] ?? '';
  if (!/^\d{1,9}$/.test(work)) return false;
  const seed = [sent[shownName], sent['email'], sent['phone']].map((part) => part ?? '').join('\n');
  const start = createHash('sha256').update(seed, 'utf8').digest('hex').slice(0, 32);
  const found = createHash('sha256')
    .update(start + work)
    .digest();
  return found.readUInt32BE(0) >>> (32 - workBits) === 0;
}

/**
 * The first thing that speaks for a machine; undefined: a person. `isOpen`: the form may also stand on foreign pages and be sent by programs
 * (LED-24), which carry no time of ours; what comes from our own page does.
 */
export function botFinding(
  deps: Signs,
  form: BotCheckedForm,
  request: IncomingMessage,
  { sent, isOpen }: { readonly sent: Sent; readonly isOpen: boolean },
): BotFinding | undefined {
  if ((sent[trapName] ?? '') !== '') return 'trap_filled';
  const isOwnPage = request.headers['sec-fetch-site'] === 'same-origin';
  if (isOpen && !isOwnPage && sent[shownName] === undefined) return undefined;
  const age = shownSince(deps, form, sent);
  if (age === undefined || age < 0) return 'not_from_page';
  if (age < fastestSeconds) return 'too_fast';
  if (age > oldestSeconds) return 'too_old';
  return age < scriptlessSeconds && !isWorkDone(sent) ? 'no_work' : undefined;
}

/** A person can be the reason of these: the form comes again, filled in. The others get the normal answer, from which a machine learns nothing. */
export function isAskedAgain(finding: BotFinding): boolean {
  return finding === 'too_old' || finding === 'no_work';
}

/** What was sent, as the log has it: without what the checks themselves put there, with what they found. */
export function botCheckedPayload(sent: unknown, finding?: BotFinding): Readonly<Record<string, unknown>> {
  const own = typeof sent === 'object' && sent !== null ? Object.entries(sent) : [];
  const fields = Object.fromEntries(own.filter(([name]) => !botCheckNames.includes(name) && name !== 'botCheck'));
  return finding === undefined ? fields : { ...fields, botCheck: finding };
}

/** Notes a call that was taken for a machine's: nothing vanishes, each stands in the log with why. */
export function noteBot(koa: Parameters<typeof noteCall>[0], sent: unknown, finding: BotFinding | undefined): void {
  noteCall(koa, { code: 'spam', payload: botCheckedPayload(sent, finding) });
}

/** The inputs of the checks. A form that comes again keeps the time at which it was shown first. */
export function botCheckHtml(deps: Signs, form: BotCheckedForm, sent: Sent = {}): string {
  const age = shownSince(deps, form, sent);
  const at = String(epochSeconds());
  const isKept = age !== undefined && age >= 0 && age <= oldestSeconds;
  const shown = isKept ? (sent[shownName] ?? '') : `${at}.${deps.secrets.sign(form, at)}`;
  return (
    `<input type="hidden" name="${shownName}" value="${escapeHtml(shown)}"><input type="hidden" name="${workName}" value="">` +
    `<p class="trap" aria-hidden="true"><label for="f-trap">Homepage</label><input id="f-trap" name="${trapName}" tabindex="-1" autocomplete="off"></p>`
  );
}

/**
 * Does the work when the form is sent. SHA-256 stands here itself, because browsers have theirs only for pages with https. Without scripts
 * nothing is lost: see `scriptlessSeconds`.
 */
export const botCheckScript = `(function () {
  var k = [], h0 = [], n = 2;
  function part(x) { return (x - Math.floor(x)) * 4294967296 | 0; }
  for (; k.length < 64; n += 1) {
    for (var d = 2; d * d <= n && n % d; d += 1);
    if (d * d > n) { if (h0.length < 8) h0.push(part(Math.sqrt(n))); k.push(part(Math.cbrt(n))); }
  }
  function sha(bytes) {
    var size = (bytes.length + 72 >> 6) << 4, w = [], m = new Array(size).fill(0), h = h0.slice();
    for (var i = 0; i < bytes.length; i += 1) m[i >> 2] |= bytes[i] << 24 - 8 * (i & 3);
    m[i >> 2] |= 128 << 24 - 8 * (i & 3);
    m[size - 1] = bytes.length * 8;
    function r(x, s) { return x >>> s | x << 32 - s; }
    for (var o = 0; o < size; o += 16) {
      var v = h.slice();
      for (var t = 0; t < 64; t += 1) {
        var p = w[t - 15], q = w[t - 2];
        w[t] = t < 16 ? m[o + t] : (r(p, 7) ^ r(p, 18) ^ p >>> 3) + w[t - 7] + (r(q, 17) ^ r(q, 19) ^ q >>> 10) + w[t - 16] | 0;
        var a = v[0], e = v[4];
        var x = v[7] + (r(e, 6) ^ r(e, 11) ^ r(e, 25)) + (e & v[5] ^ ~e & v[6]) + k[t] + w[t] | 0;
        var y = (r(a, 2) ^ r(a, 13) ^ r(a, 22)) + (a & v[1] ^ a & v[2] ^ v[1] & v[2]) | 0;
        v = [x + y | 0, a, v[1], v[2], v[3] + x | 0, e, v[5], v[6]];
      }
      for (t = 0; t < 8; t += 1) h[t] = h[t] + v[t] | 0;
    }
    return h;
  }
  function hex(word) { return (word >>> 0).toString(16).padStart(8, '0'); }
  var form = document.querySelector('form'), text = new TextEncoder();
  function value(name) { var field = form.elements.namedItem(name); return field ? field.value : ''; }
  form.addEventListener('submit', function () {
    var seed = [value('${shownName}'), value('email'), value('phone')].join('\\n');
    var start = sha(text.encode(seed)).slice(0, 4).map(hex).join('');
    for (var work = 0; sha(text.encode(start + work))[0] >>> ${32 - workBits}; work += 1);
    form.elements.namedItem('${workName}').value = String(work);
  });
})();`;
