// A browser as far as a sign-in needs one: cookies by host, redirects one by one, the form of a page.

interface Step {
  readonly status: number;
  readonly url: string;
  readonly location: string | null;
  readonly text: string;
  readonly headers: Headers;
}

/** Walks through pages of several hosts. `hosts`: under which address an origin is really served. */
export class Walker {
  /** By the origin of the address bar, then by name. */
  readonly cookies = new Map<string, Map<string, string>>();
  private readonly hosts: Readonly<Record<string, string>>;

  constructor(hosts: Readonly<Record<string, string>>) {
    this.hosts = hosts;
  }

  cookieOf(origin: string, name: string): string | undefined {
    return this.cookies.get(origin)?.get(name);
  }

  cookieHeader(origin: string): string {
    return [...(this.cookies.get(origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** One request, no redirect followed. */
  async step(
    address: string,
    {
      form,
      headers = {},
    }: { readonly form?: Readonly<Record<string, string>>; readonly headers?: Record<string, string> } = {},
  ): Promise<Step> {
    const url = new URL(address);
    const answer = await fetch(`${this.hosts[url.origin] ?? url.origin}${url.pathname}${url.search}`, {
      method: form === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { Accept: 'text/html,*/*;q=0.8', Cookie: this.cookieHeader(url.origin), ...headers },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    });
    const jar = this.cookies.get(url.origin) ?? new Map<string, string>();
    this.cookies.set(url.origin, jar);
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const cut = pair.indexOf('=');
      const value = pair.slice(cut + 1);
      if (value === '' || /max-age=0(;|$)/i.test(line)) jar.delete(pair.slice(0, cut));
      else jar.set(pair.slice(0, cut), value);
    }
    const location = answer.headers.get('location');
    return {
      status: answer.status,
      url: address,
      location: location === null ? null : new URL(location, address).href,
      text: await answer.text(),
      headers: answer.headers,
    };
  }

  /** Follows redirects until a page is shown, or one leads to where `stop` says. */
  async follow(first: Step, stop: (address: string) => boolean): Promise<Step> {
    let last = first;
    for (let i = 0; i < 20 && last.location !== null && !stop(last.location); i += 1)
      last = await this.step(last.location);
    return last;
  }
}
