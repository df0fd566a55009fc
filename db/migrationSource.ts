import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Knex } from 'knex';

interface Migration {
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
  readonly config?: { readonly transaction: boolean };
}

/** Reads `migrations/`; names without extension, so that .ts in development and .js in production are the same migration. */
export class MigrationFolder implements Knex.MigrationSource<string> {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async getMigrations(): Promise<string[]> {
    const files = await readdir(this.#folder);
    return files
      .filter((file) => /^\d{8}_\d{4}_\w+\.(ts|js)$/.test(file))
      .map((file) => file.replace(/\.(ts|js)$/, ''))
      .sort();
  }

  getMigrationName(name: string): string {
    return name;
  }

  async getMigration(name: string): Promise<Migration> {
    const files = await readdir(this.#folder);
    const file = files.find(
      (candidate) => candidate.replace(/\.(ts|js)$/, '') === name && !candidate.endsWith('.d.ts'),
    );
    if (file === undefined) throw new Error(`migration ${name} is not in ${this.#folder}`);
    return (await import(pathToFileURL(join(this.#folder, file)).href)) as Migration;
  }
}
