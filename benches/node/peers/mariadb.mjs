// MariaDB's connector with its pool; repeated statements by execute(), which prepares them once.
import { createPool } from 'mariadb';

export function open({ url, max }) {
  const { hostname, port, username, password, pathname } = new URL(url);
  const pool = createPool({
    host: hostname,
    port: Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    connectionLimit: max,
    // As the other peers do by default, and without a check of each connection that is taken.
    insertIdAsNumber: true,
    bigIntAsNumber: true,
    timezone: 'Z',
    minDelayValidation: 500,
    allowPublicKeyRetrieval: true,
  });

  async function transacted(text, values) {
    const connection = await pool.getConnection();
    try {
      await connection.beginTransaction();
      const result = await connection.execute(text, values);
      await connection.commit();
      return result;
    } catch (error) {
      await connection.rollback();
      throw error;
    } finally {
      await connection.release();
    }
  }

  return {
    once: (text, values) => pool.query(text, values),
    statement: (text) => (values) => pool.execute(text, values),
    transaction: (text) => (values) => transacted(text, values),
    rows: (result) => result,
    affected: (result) => result.affectedRows,
    acquire: () => pool.getConnection(),
    release: (connection) => connection.release(),
    close: () => pool.end(),
  };
}
