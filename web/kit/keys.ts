import { useHotkeys } from '@mantine/hooks';

const storedAs = 'single-keys';

/** Single letters may be switched off in the profile (WCAG 2.1.4). */
export function singleKeysAreOn(): boolean {
  return localStorage.getItem(storedAs) !== 'off';
}

export function switchSingleKeys(on: boolean): void {
  localStorage.setItem(storedAs, on ? 'on' : 'off');
}

/** Does this take letters itself? A box to tick does not: whoever is on one has not left the keys of the screen. */
function takesLetters(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !/^(checkbox|radio|button|submit)$/.test(target.type);
  return target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Letters of a screen; never inside fields, never while a dialog is open, never with the switch off. */
export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  useHotkeys(
    Object.entries(keys).map(([key, act]) => [
      key,
      (event) => {
        if (takesLetters(event.target) || !singleKeysAreOn()) return;
        if (document.querySelector('[role="dialog"]') !== null) return;
        event.preventDefault();
        act();
      },
      { preventDefault: false },
    ]),
    [],
  );
}

/** `g` and then a letter within a second and a half: jumps. */
export function sequenceKeys(targets: Readonly<Record<string, () => void>>): (event: KeyboardEvent) => void {
  let armedAt = 0;
  return (event) => {
    if (takesLetters(event.target) || event.ctrlKey || event.metaKey || event.altKey || !singleKeysAreOn()) return;
    if (document.querySelector('[role="dialog"]') !== null) return;
    if (event.key === 'g') armedAt = event.timeStamp;
    else if (armedAt > 0 && event.timeStamp - armedAt < 1_500) {
      armedAt = 0;
      const jump = targets[event.key];
      if (jump === undefined) return;
      event.preventDefault();
      event.stopImmediatePropagation(); // `g r` opens referrals and must not also reject
      jump();
    } else armedAt = 0;
  };
}
