import { lightboxAttribute } from '../../../domain/tracking/promoTool.js';

/**
 * What a lightbox's snippet loads on a foreign page (LNK-14). No dependency and no inline style or handler, so that it runs wherever the page's
 * content policy lets our origin's scripts in. The browser's own modal dialog brings Escape, the focus inside and its return; a click beside
 * the picture and the button close it too. Once closed it stays away for the visit.
 */
export const lightboxSource = `/* Tributary lightbox */
(function () {
  'use strict';
  var attribute = '${lightboxAttribute}';
  var closeText = /^de\\b/i.test(document.documentElement.lang) ? 'Schlie\\u00dfen' : 'Close';

  function wasClosed(key) {
    try { return sessionStorage.getItem(key) !== null; } catch (blocked) { return false; }
  }
  function remember(key) {
    try { sessionStorage.setItem(key, '1'); } catch (blocked) { return; }
  }
  function dress(element, styles) {
    for (var name in styles) element.style.setProperty(name, styles[name]);
  }

  function open(place) {
    var title = place.getAttribute(attribute) || '';
    var key = 'trb_lightbox:' + title;
    place.removeAttribute(attribute);
    if (wasClosed(key)) return;
    var dialog = document.createElement('dialog');
    if (typeof dialog.showModal !== 'function') { place.hidden = false; return; }
    dialog.setAttribute('aria-label', title);
    dress(dialog, { border: '0', padding: '0', 'max-width': '90vw', 'max-height': '90vh', overflow: 'visible', background: 'transparent' });
    while (place.firstChild) dialog.appendChild(place.firstChild);
    place.remove();
    dialog.querySelectorAll('img').forEach(function (picture) {
      dress(picture, { display: 'block', 'max-width': '90vw', 'max-height': '90vh', width: 'auto', height: 'auto' });
    });
    var close = document.createElement('button');
    close.type = 'button';
    close.textContent = '\\u00d7';
    close.setAttribute('aria-label', closeText);
    dress(close, {
      position: 'absolute', top: '0', right: '0', width: '44px', height: '44px', padding: '0', border: '0', cursor: 'pointer',
      'font-size': '28px', 'line-height': '44px', color: '#fff', background: 'rgba(0, 0, 0, 0.7)'
    });
    close.addEventListener('click', function () { dialog.close(); });
    dialog.addEventListener('click', function (event) { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener('close', function () { remember(key); dialog.remove(); });
    dialog.appendChild(close);
    document.body.appendChild(dialog);
    dialog.showModal();
  }

  function start() {
    var places = document.querySelectorAll('[' + attribute + ']');
    if (places.length > 0) open(places[0]);
  }
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
`;
