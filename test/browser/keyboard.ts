import { expect, type Locator, type Page } from '@playwright/test';

/** No form takes longer to reach than this; a focus trap or a lost focus ends the search. */
const mostTabs = 250;

/**
 * A person with a keyboard and nothing else. `steps` are decisions (open, choose, type, confirm), `keys` every press: what a journey costs is
 * told by both, not by this machine's speed (screens.md 3.1).
 */
export class Keyboard {
  readonly page: Page;
  steps = 0;
  keys = 0;

  constructor(page: Page) {
    this.page = page;
  }

  /** One decision of one or more presses: `g q`, `a`, `Enter`. */
  async press(...keys: readonly string[]): Promise<void> {
    this.steps += 1;
    for (const key of keys) {
      this.keys += 1;
      await this.page.keyboard.press(key);
    }
  }

  async type(text: string): Promise<void> {
    this.steps += 1;
    this.keys += text.length;
    await this.page.keyboard.type(text);
  }

  /** Moves the focus by Tab until it is there, as the order of the page has it. */
  async tabTo(target: Locator, direction: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    await expect(target.first()).toBeVisible();
    this.steps += 1;
    const focused = this.page.locator(':focus');
    for (let n = 0; n < mostTabs; n += 1) {
      if ((await target.first().and(focused).count()) > 0) return;
      this.keys += 1;
      await this.page.keyboard.press(direction);
    }
    throw new Error(`the keyboard does not reach ${String(target)}`);
  }

  /** Goes somewhere by its name, as Ctrl+K does. */
  async goTo(name: string): Promise<void> {
    await this.press('Control+k');
    await expect(this.page.getByRole('combobox', { name: 'Search or go to' })).toBeFocused();
    // Hits of the search come before the screens: until they are there the list would still move.
    const found = this.page.waitForResponse(
      (response) => response.url().includes('/v1/search?') && new URL(response.url()).searchParams.get('q') === name,
    );
    await this.type(name);
    await found;
    // The list's own: the program switcher has options too, one more with each program of the tests before.
    const options = this.page.locator('#search-choices').getByRole('option');
    await expect(options.filter({ hasText: `Go to ${name}` }).first()).toBeVisible();
    for (let n = 0; (await options.nth(n).textContent())?.trim() !== `Go to ${name}`; n += 1)
      await this.press('ArrowDown');
    await this.press('Enter');
  }

  /**
   * Seconds that a person takes: half a second per press (a slow typist; a Tab is quicker), two to see and decide per step. A model, so that
   * the verdict is the same on every machine.
   */
  get seconds(): number {
    return this.keys * 0.5 + this.steps * 2;
  }
}
