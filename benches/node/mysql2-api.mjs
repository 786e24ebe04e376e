// What mysql2, or a replacement of it, does as a peer: with its own pool, every repeated statement by
// execute(), which prepares it once.
export function openWith(mysql, { url, max }) {
  const pool = mysql.createPool({ uri: url, connectionLimit: max, timezone: 'Z' });

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
      connection.release();
    }
  }

  return {
    once: (text, values) => pool.query(text, values),
    statement: (text) => (values) => pool.execute(text, values),
    transaction: (text) => (values) => transacted(text, values),
    rows: ([rows]) => rows,
    affected: ([header]) => header.affectedRows,
    acquire: () => pool.getConnection(),
    release: (connection) => connection.release(),
    close: () => pool.end(),
  };
}
