"""Classification dimensions, their node trees and the assignments of customers."""
