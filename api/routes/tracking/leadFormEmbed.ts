import type { FormField, LeadForm } from '../../../db/tracking/leadForm.js';
import { trapName } from '../../botCheck.js';
import { escapeHtml } from '../../html.js';

/** What a form posts beside its fields. */
export const consentName = 'consent';

const inputType: Readonly<Record<FormField['type'], string>> = {
  text: 'text',
  number: 'text',
  date: 'date',
  choice: 'select',
  checkbox: 'checkbox',
  email: 'email',
  phone: 'tel',
  longText: 'textarea',
};
const autocomplete: Readonly<Record<string, string>> = {
  email: 'email',
  phone: 'tel',
  name: 'name',
  company: 'organization',
  country: 'country',
};

/** One field's label and control. `error` is read out with the control; `value` is what was sent before. */
export function fieldHtml(field: FormField, state: { readonly value?: string; readonly error?: string } = {}): string {
  const id = `f-${field.name}`;
  const type = inputType[field.type];
  const { value = '', error } = state;
  const described = error === undefined ? '' : ` aria-invalid="true" aria-describedby="${id}-error"`;
  const common = `id="${id}" name="${field.name}"${field.required ? ' required' : ''}${described}`;
  const known = autocomplete[field.name];
  const complete = known === undefined ? '' : ` autocomplete="${known}"`;
  const label = `<label for="${id}">${escapeHtml(field.label)}${field.required ? ' <span aria-hidden="true">*</span>' : ''}</label>`;
  const note = error === undefined ? '' : `<p class="error" id="${id}-error">${escapeHtml(error)}</p>`;
  switch (type) {
    case 'select': {
      const options = field.options.map(
        (option) =>
          `<option value="${escapeHtml(option)}"${option === value ? ' selected' : ''}>${escapeHtml(option)}</option>`,
      );
      return `<p>${label}<select ${common}><option value=""></option>${options.join('')}</select></p>${note}`;
    }
    case 'checkbox':
      return `<p class="tick"><input type="checkbox" value="true" ${common}${value === 'true' ? ' checked' : ''}>${label}</p>${note}`;
    case 'textarea':
      return `<p>${label}<textarea rows="4" maxlength="2000" ${common}>${escapeHtml(value)}</textarea></p>${note}`;
    default:
      return `<p>${label}<input type="${type}" maxlength="500" value="${escapeHtml(value)}" ${common}${complete}></p>${note}`;
  }
}

/** How a form comes onto other pages (LED-24): each carries the click and the sub-ids that the page was opened with. */
export function embedCodes(
  form: LeadForm,
  publicUrl: string,
): { readonly url: string; readonly iframe: string; readonly script: string; readonly html: string } {
  const url = `${publicUrl}/f/${form.id}`;
  const title = escapeHtml(form.name);
  const iframe = `<iframe src="${url}" title="${title}" width="100%" height="640" style="border:0"></iframe>`;
  const script = `<div id="${form.id}"></div>
<script>
(function () {
  var from = new URLSearchParams(location.search), to = new URLSearchParams();
  ['click_id', 'via', 'sid', 'sub1', 'sub2', 'sub3', 'sub4', 'sub5'].forEach(function (name) {
    if (from.get(name)) to.set(name, from.get(name));
  });
  function show(click) {
    if (click && !to.get('click_id')) to.set('click_id', click);
    var frame = document.createElement('iframe');
    frame.src = '${url}?' + to;
    frame.title = ${JSON.stringify(form.name).replaceAll('<', '\\u003c')};
    frame.style.cssText = 'border:0;width:100%;height:640px';
    document.getElementById('${form.id}').appendChild(frame);
  }
  if (typeof tributary === 'function' && !to.get('click_id')) tributary('ready', show); else show();
})();
</script>`;
  const fields = form.fields.map((field) => `  ${fieldHtml(field)}`).join('\n');
  const consent =
    form.consentText === null
      ? ''
      : `\n  <p><label><input type="checkbox" name="${consentName}" value="true"> ${escapeHtml(form.consentText)}</label></p>`;
  const html = `<form action="${url}" method="post" accept-charset="utf-8">
  <input type="hidden" name="click_id" value="">
${fields}${consent}
  <p hidden><label>Leave this empty <input name="${trapName}" tabindex="-1" autocomplete="off"></label></p>
  <button type="submit">${form.language === 'de' ? 'Absenden' : 'Send'}</button>
</form>`;
  return { url, iframe, script, html };
}
