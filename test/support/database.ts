import { randomUUID } from 'node:crypto';
import { createDatabaseFromTemplate, dropDatabase } from '../../platform/embedded/postgres.js';
import { provided } from './provided.js';

export interface TestDatabase {
  readonly name: string;
  /** Signs in as the owner, who sees all rows: for setting up and for checking the books. */
  readonly ownerUrl: string;
  /** Signs in as `tributary`; `connect` gives each of its pools a role that owns nothing. What the product uses. */
  readonly appUrl: string;
  /** Ends what is still connected, then drops. Close your pools first, or their next query fails. */
  drop(): Promise<void>;
}

/** A migrated, empty database of its own: a copy of the run's template, some 50 ms. One per test file, in `beforeAll`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { adminUrl, template } = provided('database');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const { ownerUrl, appUrl } = await createDatabaseFromTemplate(adminUrl, template, name);
  return { name, ownerUrl, appUrl, drop: () => dropDatabase(adminUrl, name) };
}
