"""Product categories and products, and what may happen to them."""

from decimal import Decimal

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.sales.v1 import events_pb as facts
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.database.base import Aggregate, enum_column, money_column
from facet_kit.errors import Conflict
from facet_kit.mapping import Mapper
from facet_sales.catalog.policy import lies_below, model_key, moved_path


class ProductCategory(Aggregate):
    """A node of the product tree. It keeps its id wherever it moves (SAL-05)."""

    __tablename__ = "product_categories"
    __table_args__ = (
        Index("ix_product_categories_ancestor_ids", "ancestor_ids", postgresql_using="gin"),
        Index("ix_product_categories_display_name", "display_name", "id"),
    )

    display_name: Mapped[str]
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("product_categories.id"), index=True)
    ancestor_ids: Mapped[list[str]]

    def created(self) -> None:
        """Records that the category was made."""
        self.record(lambda: facts.ProductCategoryCreated(product_category=category_map.to_message(self)))

    def updated(self) -> None:
        """Records that the category was renamed."""
        self.record(lambda: facts.ProductCategoryUpdated(product_category=category_map.to_message(self)))

    def move(self, parent: "ProductCategory | None", branch: "list[ProductCategory]") -> None:
        """Hangs the category under another parent; `branch` is all that stands below it, the category included.

        Raises:
            Conflict: the parent stands below the category.
        """
        if parent is not None and lies_below(parent.ancestor_ids, self.id):
            raise Conflict(
                "CATEGORY_CYCLE",
                f"{parent.display_name!r} stands below {self.display_name!r}. Move it out first.",
                metadata={"category_id": self.id, "parent_id": parent.id},
            )
        new_path = parent.ancestor_ids if parent else []
        for category in branch:
            category.ancestor_ids = moved_path(category.ancestor_ids, self.id, new_path)
        self.parent_id = parent.id if parent else None
        self.record(lambda: facts.ProductCategoryMoved(product_category=category_map.to_message(self)))


class Product(Aggregate):
    """Something that is sold, under a model code that no other product has (SAL-05)."""

    __tablename__ = "products"
    __table_args__ = (
        Index("ix_products_display_name", "display_name", "id"),
        Index("ix_products_model_code", "model_code", "id"),
        Index("ix_products_create_time", "create_time", "id"),
    )

    model_code: Mapped[str]
    model_key: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    category_id: Mapped[str] = mapped_column(ForeignKey("product_categories.id"), index=True)
    unit: Mapped[str] = mapped_column(default="")
    list_price_amount: Mapped[Decimal | None] = money_column(nullable=True)
    list_price_currency: Mapped[str | None]
    state: Mapped[pb.ProductState] = enum_column(pb.ProductState)
    serviceable: Mapped[bool] = mapped_column(default=False)

    def created(self) -> None:
        """Completes a new product and records it."""
        self.model_key = model_key(self.model_code)
        self.state = pb.ProductState.ACTIVE
        self.record(lambda: facts.ProductCreated(product=product_map.to_message(self)))

    def updated(self) -> None:
        """Records that the product changed."""
        self.record(lambda: facts.ProductUpdated(product=product_map.to_message(self)))

    def discontinue(self) -> None:
        """Takes the product off sale. Raises Conflict unless it is on sale."""
        self._turn(pb.ProductState.ACTIVE, pb.ProductState.DISCONTINUED, "discontinue")
        self.record(lambda: facts.ProductDiscontinued(product=product_map.to_message(self)))

    def reinstate(self) -> None:
        """Puts the product on sale again. Raises Conflict unless it is discontinued."""
        self._turn(pb.ProductState.DISCONTINUED, pb.ProductState.ACTIVE, "reinstate")
        self.record(lambda: facts.ProductReinstated(product=product_map.to_message(self)))

    def _turn(self, wanted: pb.ProductState, to: pb.ProductState, verb: str) -> None:
        if self.state is not wanted:
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"Product {self.model_code} is {self.state.name}; {verb} needs {wanted.name}.",
                metadata={"state": self.state.name, "verb": verb},
            )
        self.state = to


category_map = Mapper(ProductCategory, pb.ProductCategory)
product_map = Mapper(Product, pb.Product)
