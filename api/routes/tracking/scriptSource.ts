import { viaNames } from '../../../domain/tracking/click.js';

/**
 * The tracking script as a page loads it (api.md 4.1, TRK-12, TRK-28). Plain ES2018, nothing from elsewhere, no eval, no cookie but the
 * page's own, and no request where neither address nor cookie names a click or link. At most 2 kB compressed: a test weighs it. Tag managers
 * drop attributes they do not know, `data-key` among them: the key may stand in the script's address instead, `…/t/v1.js?key=pk_live_…`.
 *
 * `tributary(what, …)`: `ready` fn(clickId) · `consent` granted|denied · `lead` {email, …} · `sale` {externalId, amount, currency, …}; the
 * last two answer a promise of what the server said. Calls made before the script arrived wait in `tributary.q`.
 */
export const scriptSource = `/* Tributary tracking script, no third-party cookies. */
(function (w, d) {
  var tag = d.currentScript || d.querySelector('script[src*="/t/v1.js"]');
  if (!tag || w.tributary && w.tributary.on) return;
  var from = new URL(tag.src);
  var base = from.origin;
  var key = tag.getAttribute('data-key') || from.searchParams.get('key');
  var url = new URL(w.location.href);
  var names = {
    externalId: 'txn_id', customerExternalId: 'customer_id', email: 'email', name: 'name', phone: 'phone', coupon: 'coupon',
    amount: 'amount', currency: 'currency', product: 'product', sub1: 'sub1'
  };
  var waiting = [];
  var isKnown = false;

  function read(name) {
    var found = ('; ' + d.cookie).split('; ' + name + '=')[1];
    return found ? found.split(';')[0] : '';
  }
  function write(name, value, maxAge) {
    d.cookie = name + '=' + value + '; Path=/; SameSite=Lax' +
      (maxAge === null ? '' : '; Max-Age=' + maxAge) + (w.location.protocol === 'https:' ? '; Secure' : '');
  }
  function id(text) {
    return /^clk_[0-9a-z]{26}$/.test(text) ? text : '';
  }
  function consent() {
    return w.navigator.globalPrivacyControl ? 'denied' : read('trb_consent') || tag.getAttribute('data-consent') || 'unknown';
  }
  function send(path, body) {
    return w.fetch(base + path, {
      method: 'POST', mode: 'cors', credentials: 'omit', keepalive: true, body: JSON.stringify(body)
    }).then(function (answer) {
      return answer.json().then(function (told) {
        if (answer.ok) return told;
        throw new Error(told.code || answer.status);
      });
    });
  }

  var via = '${viaNames.join(' ')}'.split(' ').map(function (name) {
    return url.searchParams.get(name);
  }).find(function (slug) { return /^[\\w-]{3,200}$/.test(slug || ''); }) || '';
  var click = id(url.searchParams.get('click_id') || '') || id(read('trb_click'));

  // Shown once more, not followed once more (TRK-21).
  var shown = (w.performance.getEntriesByType('navigation')[0] || {}).type;
  if (click && (shown === 'reload' || shown === 'back_forward')) via = '';

  function carry() {
    if (!click) return;
    d.querySelectorAll('iframe[src^="' + base + '/f/"],form[action^="' + base + '/f/"]').forEach(function (node) {
      var at = node.tagName === 'FORM' ? 'action' : 'src';
      var to = new URL(node[at]);
      if (to.searchParams.get('click_id')) return;
      to.searchParams.set('click_id', click);
      node[at] = to.href;
    });
  }
  function known() {
    isKnown = true;
    carry();
    waiting.splice(0).forEach(function (tell) { tell(click || null); });
  }
  function visit() {
    if (!click && !via) return Promise.resolve(known());
    return send('/t/visit', {
      key: key, url: w.location.href, referrer: d.referrer, clickId: click, via: via, consent: consent()
    }).then(function (told) {
      click = told.clickId || '';
      if (told.visitId) via = '';
      if (click && told.cookieMaxAge !== 0) write('trb_click', click, told.cookieMaxAge);
      else write('trb_click', '', 0);
    }, function () {}).then(known);
  }
  function whenKnown(tell) {
    if (isKnown) tell(click || null);
    else waiting.push(tell);
  }
  function report(event, given) {
    return new Promise(whenKnown).then(function () {
      var body = { key: key, event: event };
      if (click) body.click_id = click;
      for (var field in names) if (given && given[field] != null) body[names[field]] = String(given[field]);
      return send('/t/postback', body);
    });
  }
  function tributary(what, given) {
    switch (what) {
      case 'ready': return whenKnown(given);
      case 'consent':
        if (given !== 'granted' && given !== 'denied') throw new TypeError('consent: granted or denied');
        write('trb_consent', given, 15552000);
        if (given === 'denied') write('trb_click', '', 0);
        return visit();
      case 'lead':
      case 'sale': return report(what, given);
      default: throw new TypeError('tributary: ready, consent, lead or sale');
    }
  }

  var early = w.tributary && w.tributary.q || [];
  tributary.on = true;
  w.tributary = tributary;
  // A page that is only drawn ahead was seen by nobody yet.
  if (d.prerendering) d.addEventListener('prerenderingchange', visit);
  else visit();
  early.forEach(function (call) { tributary.apply(null, call); });
  if (d.readyState === 'loading') d.addEventListener('DOMContentLoaded', carry);
})(window, document);
`;
